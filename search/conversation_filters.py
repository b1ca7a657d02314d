"""The conversation list's parameters, each checked as a form field: a wrong one is named and left out, the others hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.paging import BadCursor
from conversations.models import Conversation, Side, Status
from search.conversation_walk import Edge, Kinds
from search.filters import CURSOR_CHARS, CURSORS, PLACES, QUERY_CHARS, SENT
from search.hits import HitCursor
from search.parameters import Choice, Day, Yes, beginning, ending
from search.words import TooManyWords, Words
from users.templatetags.times import patterns
from users.text import many_lines

ADDRESS = "/conversations/"
DEFAULTS = {"in": "any"}
STATUSES = [(Status.OPEN.value, gettext_lazy("Open")), (Status.CLOSED.value, gettext_lazy("Closed"))]
TURNS = [
    (Side.STAFF.value, gettext_lazy("Our turn")),
    (Side.VISITOR.value, gettext_lazy("Visitor's turn")),
]
MARKS = [("unread", "yes", gettext_lazy("Unread"))]
MARKS += [("status", value, label) for value, label in STATUSES]
MARKS += [("turn", value, label) for value, label in TURNS]


@dataclass(frozen=True)
class Chip:
    """A filter as a link: it takes itself away where it is on, else it is put on."""

    label: str | Promise
    address: str
    is_on: bool


class ConversationListForm(forms.Form):
    """What pages the list, beside what filters it. A cursor belongs to the walk that it was made for."""

    after = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)
    before = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)

    def clean_q(self) -> str:
        """The words, and beside them what they are taken to mean."""
        text: str = self.cleaned_data["q"]
        if text.strip():
            try:
                self.cleaned_data["words"] = Words.parse(text)
            except TooManyWords as error:
                raise ValidationError(
                    _("No more than %(most)d words at once.") % {"most": error.most}, code="words"
                ) from error
        return text

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        for name in CURSORS:
            text = given.get(name)
            try:
                given[name] = self._cursor(text) if text else None
            except BadCursor:
                self.add_error(
                    name, ValidationError(_("This page can't be found; here is the first."), code="cursor")
                )
        return given

    def _cursor(self, text: str) -> Edge | HitCursor:
        place = self.cleaned_data.get("in") or DEFAULTS["in"]
        in_messages = self.cleaned_data.get("words") is not None and place in ("any", "messages")
        if in_messages and (place == "messages" or HitCursor.looks_like(text)):
            return HitCursor.decode(text)
        return Edge.decode(text)


class ConversationFilters(django_filters.FilterSet):
    """The parameters of one request for the list."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="by_nothing", max_length=QUERY_CHARS, validators=[many_lines]
    )
    in_ = Choice(label=gettext_lazy("Search in"), method="by_nothing", choices=PLACES)
    sent_from = Day(label=gettext_lazy("Sent from"), method="by_nothing")
    sent_to = Day(label=gettext_lazy("Sent to"), method="by_nothing")
    status = Choice(label=gettext_lazy("Status"), method="by_nothing", choices=STATUSES)
    unread = Yes(label=gettext_lazy("Unread"), method="by_nothing")
    turn = Choice(label=gettext_lazy("Whose turn"), method="by_nothing", choices=TURNS)

    class Meta:
        model = Conversation
        fields: list[str] = []
        form = ConversationListForm

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """The filters by parameter; `in` is a word of the language, so its attribute has an underscore."""
        return {name.rstrip("_"): declared for name, declared in super().get_filters().items()}

    def by_nothing(self, rows: QuerySet[Conversation], name: str, value: Any) -> QuerySet[Conversation]:
        """Every parameter decides what is walked (`kinds`, `words`): none filters afterwards."""
        return rows

    # -- what is asked

    def valid(self, name: str) -> Any:
        """A parameter's checked value; None or empty where it is absent or wrong."""
        return None if name in self.errors else self.form.cleaned_data.get(name)

    @property
    def kinds(self) -> Kinds:
        """The kinds of conversations that are wanted."""
        status, turn = self.valid("status"), self.valid("turn")
        every = Kinds()
        return Kinds(
            halves=(True,) if self.valid("unread") else every.halves,
            turns=(turn,) if turn else every.turns,
            statuses=(status,) if status else every.statuses,
        )

    @property
    def place(self) -> str:
        """Where the words are looked for."""
        return self.valid("in") or DEFAULTS["in"]

    @property
    def text(self) -> str:
        """The words as they were typed, without the space around them."""
        return (self.valid("q") or "").strip()

    @property
    def words(self) -> Words | None:
        """What the words mean in messages; None where nothing is looked for there."""
        in_messages = self.text and self.place in ("any", "messages")
        return self.form.cleaned_data.get("words") if in_messages else None

    @property
    def sent(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """From when (inclusive) until when (exclusive) a found message was sent."""
        first, last = (self.valid(name) for name in SENT)
        return (beginning(first) if first else None, ending(last) if last else None)

    @property
    def after(self) -> Edge | HitCursor | None:
        """Where the page before this one ends."""
        return self.valid("after")

    @property
    def before(self) -> Edge | HitCursor | None:
        """Where the page after this one begins; `after` goes first."""
        return None if self.after else self.valid("before")

    @property
    def is_narrowed(self) -> bool:
        """Whether any conversation might be left out."""
        return any(self.valid(name) not in EMPTY_VALUES for name in self.filters if name not in DEFAULTS)

    @property
    def is_paged(self) -> bool:
        """Whether this is another page than the first."""
        return bool(self.after or self.before)

    @property
    def is_dated(self) -> bool:
        """Whether a day was given for the messages, even a wrong one."""
        return any(self.data.get(name) for name in SENT)

    # -- the address, which is the state

    def address(self, **changes: str) -> str:
        """The address of this list with `changes` ("" takes one away), without page and without what goes unsaid."""
        query = QueryDict(mutable=True)
        for name in [*self.filters, *CURSORS]:
            given = changes[name] if name in changes else self._given(name)
            if given and given != DEFAULTS.get(name):
                query[name] = given
        return f"{ADDRESS}?{query.urlencode()}" if query else ADDRESS

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The marks that are on, by name and value: a search keeps them."""
        return [(name, value) for name, value, _label in MARKS if self.valid(name) == value]

    def chips(self) -> Iterator[Chip]:
        """Every mark, and the days that bound the search."""
        for name, value, label in MARKS:
            is_on = self.valid(name) == value
            yield Chip(label, self.address(**{name: "" if is_on else value}), is_on)
        said = (_("Sent from %(day)s"), _("Sent until %(day)s"))
        for name, words in zip(SENT, said, strict=True):
            day = self.valid(name)
            if day:
                yield Chip(
                    words % {"day": formats.date_format(day, patterns()["date"])},
                    self.address(**{name: ""}),
                    True,
                )

    def _given(self, name: str) -> str:
        if name in CURSORS or name in self.errors:
            return ""
        return self.data.get(name) or ""
