"""Which people's list is to be exported, and in which form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from exports.forms import FormatForm
from search.bulk_forms import PeopleField, QueryField, whole_search
from staff.models import Account


class ListExportForm(FormatForm):
    """Those who are ticked, in this order; where nobody is, or with `all`, everyone whom `query` finds."""

    user = PeopleField(label=_("People"), required=False)
    all = forms.ChoiceField(choices=[("yes", "yes")], required=False, widget=forms.HiddenInput)
    query = QueryField()

    def __init__(self, data: QueryDict, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean(self) -> dict[str, Any]:
        """`filters`: the search."""
        given: dict[str, Any] = super().clean() or {}
        if "query" not in given:
            return given
        given["filters"] = whole_search(self, given["query"], self.account)
        if given.get("all"):
            given["user"] = []
        return given
