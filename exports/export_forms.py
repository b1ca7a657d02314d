"""What is asked of an export of many people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.paging import BadCursor, Cursor
from exports.export_queries import NEWEST
from exports.forms import ExportForm
from search.bulk_forms import PeopleField, QueryField, whole_search
from staff.models import Account

START, STOP = "start", "stop"


class ManyForm(forms.Form):
    """Of whom: those who are ticked, or with `all`, or where nobody is ticked, everyone whom `query` finds."""

    user = PeopleField(label=gettext_lazy("People"), required=False)
    all = forms.ChoiceField(choices=[("yes", "yes")], required=False, widget=forms.HiddenInput)
    query = QueryField()

    def __init__(self, data: QueryDict, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean(self) -> dict[str, Any]:
        """`filters`: the search."""
        given: dict[str, Any] = super().clean() or {}
        if "query" in given:
            given["filters"] = whole_search(self, given["query"], self.account)
        if given.get("all"):
            given["user"] = []
        return given


class StartForm(ExportForm):
    """Start it in a form, without what is left out."""


class SayForm(forms.Form):
    """What is said to an export."""

    do = forms.ChoiceField(
        choices=[(START, START), (STOP, STOP)],
        error_messages={
            "required": gettext_lazy("Say what to do."),
            "invalid_choice": gettext_lazy("Say what to do."),
        },
    )


class PageForm(forms.Form):
    """Which page of the exports."""

    after = forms.CharField(required=False, max_length=400)
    before = forms.CharField(required=False, max_length=400)

    def clean_after(self) -> Cursor | None:
        return self._edge("after")

    def clean_before(self) -> Cursor | None:
        return self._edge("before")

    def _edge(self, name: str) -> Cursor | None:
        text = self.cleaned_data[name]
        try:
            return NEWEST.decode(text) if text else None
        except BadCursor as error:
            raise ValidationError(_("This page isn't there. Here is the first."), code="cursor") from error

    def edges(self) -> dict[str, Cursor | None]:
        """Where the page begins; the first page where what was asked is wrong."""
        given = self.cleaned_data if self.is_valid() else {}
        return {name: given.get(name) for name in ("after", "before")}
