"""What the user list and the conversation list are both asked: words, where and when they were said, and which page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.days import beginning, ending
from chatadmin.lib.paging import BadCursor
from search.parameters import Choice, Day
from search.words import TooManyWords, Words
from users.text import many_lines

QUERY_CHARS = 200
CURSOR_CHARS = 6_000
CURSORS = ("after", "before")
SENT = ("sent_from", "sent_to")
PLACES = [
    ("any", gettext_lazy("Anything")),
    ("name", gettext_lazy("Name")),
    ("email", gettext_lazy("E-mail")),
    ("messages", gettext_lazy("Messages")),
]
ANYWHERE = "any"
IN_MESSAGES = ("any", "messages")


class PagedForm(forms.Form):
    """What pages a list, beside what filters it. `cursor` says which cursors are the list's own."""

    after = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)
    before = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)

    def cursor(self, text: str) -> Any:
        """The cursor of that text. Raises BadCursor."""
        raise NotImplementedError

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
                given[name] = self.cursor(text) if text else None
            except BadCursor:
                self.add_error(
                    name, ValidationError(_("This page can't be found; here is the first."), code="cursor")
                )
        return given


class SearchFilters(django_filters.FilterSet):
    """The parameters that both lists have, each checked as a form field."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="by_nothing", max_length=QUERY_CHARS, validators=[many_lines]
    )
    in_ = Choice(label=gettext_lazy("Search in"), method="by_nothing", choices=PLACES)
    sent_from = Day(label=gettext_lazy("Sent from"), method="by_nothing")
    sent_to = Day(label=gettext_lazy("Sent to"), method="by_nothing")

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """The filters by parameter; `in` is a word of the language, so its attribute has an underscore."""
        return {name.rstrip("_"): declared for name, declared in super().get_filters().items()}

    def by_nothing(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """A parameter that says what is walked, and leaves nobody out."""
        return rows

    def valid(self, name: str) -> Any:
        """A parameter's checked value; None or empty where it is absent or wrong."""
        return None if name in self.errors else self.form.cleaned_data.get(name)

    @property
    def place(self) -> str:
        """Where the words are looked for."""
        return self.valid("in") or ANYWHERE

    @property
    def words(self) -> Words | None:
        """What the words mean in messages; None where nothing is looked for there."""
        return self.form.cleaned_data.get("words") if self.valid("q") and self.in_messages else None

    @property
    def in_messages(self) -> bool:
        """Whether words would be looked for in messages."""
        return self.place in IN_MESSAGES

    @property
    def sent(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """From when (inclusive) until when (exclusive) a found message was sent."""
        first, last = (self.valid(name) for name in SENT)
        return (beginning(first) if first else None, ending(last) if last else None)
