"""Which people's list is to be exported, and in which form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from exports.forms import ExportForm
from search import saved
from search.bulk_forms import PeopleField, QueryField, list_query
from search.filters import ListForm, UserFilters
from staff.models import Account
from users.queries import living


class ListExportForm(ExportForm):
    """Those who are ticked, in this order; where nobody is, or with `all`, everyone whom `query` finds."""

    user = PeopleField(label=_("People"), required=False)
    all = forms.ChoiceField(choices=[("yes", "yes")], required=False, widget=forms.HiddenInput)
    query = QueryField()

    def __init__(self, data: QueryDict, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean(self) -> dict[str, Any]:
        """`filters`: the search. One that holds a mistake may find more people than was meant, so it is refused
        whole; how it is sorted and paged says nothing of who is found."""
        given: dict[str, Any] = super().clean() or {}
        if "query" not in given:
            return given
        query = list_query(given["query"])
        resolved = saved.resolve(query, saved.visible(self.account) if "view" in query else [])
        filters = UserFilters(resolved.parameters, queryset=living())
        wrong = [resolved.error] if resolved.error else []
        wrong += [
            f"{filters.form[name].label}: {' '.join(said)}"
            for name, said in filters.errors.items()
            if name not in ListForm.base_fields
        ]
        if wrong:
            self.add_error("query", ValidationError(wrong, code="query"))
        given["filters"] = filters
        if given.get("all"):
            given["user"] = []
        return given
