"""The user list's parameters: a FilterSet, so that each is checked as a form field and a wrong one is named."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.paging import BadCursor, Cursor, Order, Page, page
from search import orders
from search.names import matching
from users.models import ChatUser
from users.text import many_lines

PAGE_SIZE = 50
COUNTED = 1_000
QUERY_CHARS = 200
CURSOR_CHARS = 4_000
SCOPES = [
    ("any", gettext_lazy("Name or e-mail")),
    ("name", gettext_lazy("Name")),
    ("email", gettext_lazy("E-mail")),
]


class ListForm(forms.Form):
    """Checks the parameters together: a cursor belongs to the sort order that it was made for."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        order = orders.order_of(cleaned.get("sort") or orders.DEFAULT)
        for name in ("after", "before"):
            text = cleaned.get(name)
            if text:
                try:
                    cleaned[name] = order.decode(text)
                except BadCursor:
                    self.add_error(name, ValidationError(_("This page address isn't valid any more."), code="cursor"))
        return cleaned


class UserFilters(django_filters.FilterSet):
    """The list's parameters. Those that are wrong are left out and named; the others hold."""

    q = django_filters.CharFilter(
        method="by_words", label=gettext_lazy("Search"), max_length=QUERY_CHARS, validators=[many_lines]
    )
    after = django_filters.CharFilter(method="unfiltered", max_length=CURSOR_CHARS)
    before = django_filters.CharFilter(method="unfiltered", max_length=CURSOR_CHARS)

    class Meta:
        model = ChatUser
        fields: list[str] = []
        form = ListForm

    def by_words(self, queryset: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        """Those whose name, address or id matches."""
        return queryset.filter(matching(value, self.scope))

    def unfiltered(self, queryset: QuerySet[ChatUser], name: str, value: object) -> QuerySet[ChatUser]:
        """What orders and pages the list takes nobody out of it."""
        return queryset

    def value(self, name: str) -> Any:
        """A parameter's checked value; None where it is absent or wrong."""
        self.form.is_valid()
        return self.form.cleaned_data.get(name) or None

    @property
    def qs(self) -> QuerySet[ChatUser]:
        """Everyone that the valid parameters let through."""
        self.form.is_valid()
        queryset = self.queryset.all()
        for name, filter_ in self.filters.items():
            if name in self.form.cleaned_data:
                queryset = filter_.filter(queryset, self.form.cleaned_data[name])
        return queryset

    @property
    def q_shown(self) -> str:
        """The words as they stand in the search box."""
        return str(self.value("q") or "")

    @property
    def scope(self) -> str:
        """Where the words are looked for."""
        return self.value("in") or "any"

    @property
    def sort(self) -> str:
        """The sort order's name, with `-` in front where it is turned round."""
        return self.value("sort") or orders.DEFAULT

    @property
    def order(self) -> Order:
        """The sort order."""
        return orders.order_of(self.sort)

    def page(self) -> Page[ChatUser]:
        """The page that the cursors name, or the first."""
        after, before = self.value("after"), self.value("before")
        return page(
            self.qs,
            self.order,
            size=PAGE_SIZE,
            after=after if isinstance(after, Cursor) else None,
            before=before if isinstance(before, Cursor) else None,
        )

    def total(self) -> str:
        """How many are let through: exact up to 1,000, then "1000+"."""
        count = self.qs.order_by()[: COUNTED + 1].count()
        return f"{COUNTED}+" if count > COUNTED else str(count)


# `in` is a word of the language and `sort` a property, so they can't be declared as attributes.
UserFilters.base_filters["sort"] = django_filters.ChoiceFilter(
    method="unfiltered", choices=orders.CHOICES, label=gettext_lazy("Sort")
)
UserFilters.base_filters["in"] = django_filters.ChoiceFilter(
    method="unfiltered", choices=SCOPES, label=gettext_lazy("Where"), empty_label=None
)
