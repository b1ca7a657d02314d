"""The conversation list's parameters, each checked as a form field: a wrong one is named and left out, the others hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.validators import EMPTY_VALUES
from django.http import QueryDict
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.models import Conversation, Side, Status
from search.asking import ANYWHERE, CURSORS, IN_MESSAGES, SENT, PagedForm, SearchFilters
from search.conversation_walk import Edge, Kinds
from search.hits import HitCursor
from search.parameters import Choice, Yes
from users.templatetags.times import patterns

ADDRESS = "/conversations/"
DEFAULTS = {"in": ANYWHERE}
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


class ConversationListForm(PagedForm):
    """What pages the list, beside what filters it. A cursor belongs to the walk that it was made for."""

    def cursor(self, text: str) -> Edge | HitCursor:
        place = self.cleaned_data.get("in") or ANYWHERE
        in_messages = self.cleaned_data.get("words") is not None and place in IN_MESSAGES
        if in_messages and (place == "messages" or HitCursor.looks_like(text)):
            return HitCursor.decode(text)
        return Edge.decode(text)


class ConversationFilters(SearchFilters):
    """The parameters of one request for the list. All of them decide what is walked: none filters afterwards."""

    status = Choice(label=gettext_lazy("Status"), method="by_nothing", choices=STATUSES)
    unread = Yes(label=gettext_lazy("Unread"), method="by_nothing")
    turn = Choice(label=gettext_lazy("Whose turn"), method="by_nothing", choices=TURNS)

    class Meta:
        model = Conversation
        fields: list[str] = []
        form = ConversationListForm

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
    def text(self) -> str:
        """The words as they were typed, without the space around them."""
        return (self.valid("q") or "").strip()

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
