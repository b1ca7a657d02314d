"""The user list's parameters, each checked as a form field: a wrong one is named and left out, the others hold.

A new filter is a new attribute of UserFilters.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.paging import BadCursor, Cursor, Order
from search import orders
from search.names import matching
from users.models import ChatUser
from users.text import many_lines

QUERY_CHARS = 200
CURSOR_CHARS = 6_000
CURSORS = ("after", "before")
PLACES = [
    ("any", gettext_lazy("Name and e-mail")),
    ("name", gettext_lazy("Name")),
    ("email", gettext_lazy("E-mail")),
]
DEFAULTS = {"in": "any", "sort": orders.DEFAULT}


class ListForm(forms.Form):
    """What orders and pages the list, beside what filters it. A cursor belongs to the order that it was made for."""

    sort = forms.ChoiceField(label=gettext_lazy("Order"), choices=orders.CHOICES, required=False)
    after = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)
    before = forms.CharField(label=gettext_lazy("Page"), max_length=CURSOR_CHARS, required=False)

    def clean(self) -> dict[str, Any]:
        super().clean()
        order = orders.order_of(self.cleaned_data.get("sort") or orders.DEFAULT)
        for name in CURSORS:
            text = self.cleaned_data.get(name)
            try:
                self.cleaned_data[name] = order.decode(text) if text else None
            except BadCursor:
                self.add_error(
                    name, ValidationError(_("This page can't be found; here is the first."), code="cursor")
                )
        return self.cleaned_data


class UserFilters(django_filters.FilterSet):
    """The parameters of one request for the list."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="by_words", max_length=QUERY_CHARS, validators=[many_lines]
    )
    in_ = django_filters.ChoiceFilter(
        label=gettext_lazy("Search in"), method="by_nothing", choices=PLACES, empty_label=None
    )

    class Meta:
        model = ChatUser
        fields: list[str] = []
        form = ListForm

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """The filters by parameter; `in` is a word of the language, so its attribute has an underscore."""
        return {name.rstrip("_"): declared for name, declared in super().get_filters().items()}

    def by_words(self, queryset: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        """Those whose name, address or id it is."""
        return queryset.filter(matching(value, self.place))

    def by_nothing(self, queryset: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        """A parameter that says how another one filters."""
        return queryset

    def filter_queryset(self, queryset: QuerySet[ChatUser]) -> QuerySet[ChatUser]:
        """Everyone whom the valid parameters let through."""
        for name in self.filters.keys() & self.form.cleaned_data.keys():
            queryset = self.filters[name].filter(queryset, self.form.cleaned_data[name])
        return queryset

    def valid(self, name: str) -> Any:
        """A parameter's checked value; None or empty where it is absent or wrong."""
        return None if name in self.errors else self.form.cleaned_data.get(name)

    @property
    def place(self) -> str:
        """Where the words are looked for."""
        return self.valid("in") or DEFAULTS["in"]

    @property
    def sort(self) -> str:
        """The order's name, with `-` in front where it is turned round."""
        return self.valid("sort") or DEFAULTS["sort"]

    @property
    def order(self) -> Order:
        """The order."""
        return orders.order_of(self.sort)

    @property
    def after(self) -> Cursor | None:
        """The row that the page follows."""
        return self.valid("after")

    @property
    def before(self) -> Cursor | None:
        """The row that the page precedes; `after` goes first."""
        return None if self.after else self.valid("before")

    @property
    def is_narrowed(self) -> bool:
        """Whether anybody might be left out."""
        return any(self.valid(name) not in EMPTY_VALUES for name in self.filters if name not in DEFAULTS)

    @property
    def is_plain(self) -> bool:
        """Whether this is the list as it first opens: everyone, the usual order, the first page."""
        return not (self.is_narrowed or self.after or self.before or self.sort != DEFAULTS["sort"])

    def address(self, **changes: str) -> str:
        """The address of this list with `changes`: the valid parameters, without page and without what goes unsaid."""
        query = QueryDict(mutable=True)
        for name in [*self.filters, *ListForm.base_fields]:
            given = changes.get(name) or self._given(name)
            if given and given != DEFAULTS.get(name):
                query.setlist(name, given if isinstance(given, list) else [given])
        return f"/users/?{query.urlencode()}" if query else "/users/"

    def _given(self, name: str) -> Any:
        if name in CURSORS or name in self.errors:
            return None
        return self.form.fields[name].widget.value_from_datadict(self.data, {}, name)
