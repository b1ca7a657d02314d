"""The user list's parameters, each checked as a form field: a wrong one is named and left out, the others hold.

A new filter is a new attribute of UserFilters. The words (`q`) are no filter: where they are looked for in messages,
they decide what is walked (search/queries.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Set
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.days import beginning, ending
from chatadmin.lib.paging import Cursor, Order
from search import orders
from search.asking import ANYWHERE, CURSORS, IN_MESSAGES, SENT, PagedForm, SearchFilters
from search.hits import HitCursor
from search.names import matching
from search.parameters import DAYS, YES_NO, Choice, Day, Tags, WholeNumber, Yes
from search.sieve import Sieve, Source
from users import presence
from users.models import ChatUser, Tag, Tagging

KINDS = [("identified", gettext_lazy("Identified")), ("anonymous", gettext_lazy("Anonymous"))]
DEFAULTS = {"in": ANYWHERE, "sort": orders.DEFAULT}
ONLINE_AT_MOST = 10_000
# The folded forms say the same again, and have indexes.
NAMELESS, ADDRESSLESS = Q(name_folded=None), Q(email_folded=None)
ANONYMOUS = Q(name="", email="", external_id=None) & NAMELESS
# What indexes answer without a look at anybody's row, and what such a look answers.
BY_INDEX = {"active", "dormant", "active_from", "active_to", "first_from", "first_to", "min_messages"}
BY_INDEX |= {"tag", "vip", "repeat"}
BY_ROW = {"has_email", "kind", "held"}
# The filters that an index of their own finds people by.
OF_INDEX = {
    "chatuser_vip": {"vip"},
    "chatuser_held": {"held"},
    "chatuser_messages": {"min_messages"},
    "chatuser_first_contact": {"first_from", "first_to"},
    "chatuser_last_active": {"active", "dormant", "active_from", "active_to"},
}


class ListForm(PagedForm):
    """What orders and pages the list, beside what filters it. A cursor belongs to the order that it was made for."""

    sort = forms.ChoiceField(label=gettext_lazy("Order"), choices=orders.CHOICES, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        is_by_message = given.get("words") is not None and given.get("in") == "messages"
        if is_by_message and given.get("sort"):
            self.add_error(
                "sort",
                ValidationError(_("Found messages come newest first, in no other order."), code="sort"),
            )
        return given

    def cursor(self, text: str) -> Cursor | HitCursor:
        given = self.cleaned_data
        place = given.get("in") or ANYWHERE
        in_messages = given.get("words") is not None and place in IN_MESSAGES
        if in_messages and (place == "messages" or HitCursor.looks_like(text)):
            return HitCursor.decode(text)
        return orders.order_of(given.get("sort") or orders.DEFAULT).decode(text)


class UserFilters(SearchFilters):
    """The parameters of one request for the list. `qs`: everyone whom all of them but the words let through."""

    has_email = Choice(label=gettext_lazy("Has e-mail"), method="by_email", choices=YES_NO)
    kind = Choice(label=gettext_lazy("Kind"), method="by_kind", choices=KINDS)
    active = Choice(label=gettext_lazy("Active in the last"), method="by_activity", choices=DAYS)
    dormant = Choice(label=gettext_lazy("Not seen for"), method="by_dormancy", choices=DAYS)
    min_messages = WholeNumber(
        label=gettext_lazy("Messages, at least"), field_name="message_count", lookup_expr="gte"
    )
    first_from = Day(label=gettext_lazy("First contact from"), method="by_day")
    first_to = Day(label=gettext_lazy("First contact to"), method="by_day")
    active_from = Day(label=gettext_lazy("Last active from"), method="by_day")
    active_to = Day(label=gettext_lazy("Last active to"), method="by_day")
    tag = Tags(label=gettext_lazy("Tag"), method="by_tags")
    vip = Yes(label=gettext_lazy("VIP"), method="by_vip")
    online = Yes(label=gettext_lazy("Online now"), method="by_presence")
    repeat = Yes(label=gettext_lazy("Repeat visitor"), method="by_visits")
    held = Yes(label=gettext_lazy("Under a legal hold"), method="by_hold")
    # The saved view that this list began as; its address says so, and nobody is found by it.
    from_view: int | None = None

    class Meta:
        model = ChatUser
        fields: list[str] = []
        form = ListForm

    # -- one filter each

    def by_email(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.exclude(email="") if value == "yes" else people.filter(ADDRESSLESS, email="")

    def by_kind(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        if value == "identified":
            return people.filter(~Q(name="") | ~Q(email="") | Q(external_id__isnull=False))
        # Who is anonymous has no address: no need to look through everyone for such a person.
        return people.none() if self.valid("has_email") == "yes" else people.filter(ANONYMOUS)

    def by_activity(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(last_active__gte=_days_ago(value))

    def by_dormancy(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(last_active__lt=_days_ago(value))

    def by_day(self, people: QuerySet[ChatUser], name: str, value: dt.date) -> QuerySet[ChatUser]:
        column = "first_contact" if name.startswith("first") else "last_active"
        if name.endswith("from"):
            return people.filter(**{f"{column}__gte": beginning(value)})
        return people.filter(**{f"{column}__lt": ending(value)})

    def by_tags(self, people: QuerySet[ChatUser], name: str, value: list[str]) -> QuerySet[ChatUser]:
        if len(self._tags) < len(value):
            return people.none()
        for tag in self._tags:
            people = people.filter(Exists(Tagging.objects.filter(tag=tag, chat_user=OuterRef("pk"))))
        return people

    def by_vip(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(is_vip=True)

    def by_presence(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(uuid__in=sorted(presence.all_online())[:ONLINE_AT_MOST])

    def by_visits(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(visit_count__gt=1)

    def by_hold(self, people: QuerySet[ChatUser], name: str, value: str) -> QuerySet[ChatUser]:
        return people.filter(held_at__isnull=False)

    def filter_queryset(self, queryset: QuerySet[ChatUser]) -> QuerySet[ChatUser]:
        """Everyone whom the valid parameters let through."""
        return self._passing(queryset, self.filters.keys())

    # -- what is asked

    @cached_property
    def named(self) -> QuerySet[ChatUser]:
        """Those of `qs` whose name, address or id the words are; all of them where there are no words."""
        text = self.valid("q")
        if not text or not text.strip():
            return self.qs
        return self.qs.none() if self.place == "messages" else self.qs.filter(matching(text, self.place))

    @cached_property
    def sieve(self) -> Sieve:
        """The same people, and by what they are found."""
        names = {
            name for name in self.filters.keys() - DEFAULTS.keys() if self.valid(name) not in EMPTY_VALUES
        }
        names -= set(SENT)
        if names - BY_INDEX - BY_ROW:
            return Sieve(self.named, self.is_narrowed)
        by_index, by_row = names & BY_INDEX, names & BY_ROW
        return Sieve(
            self.named,
            self.is_narrowed,
            self._passing(self.queryset, by_index) if by_index else None,
            self._passing(self.queryset, by_row) if by_row else None,
            list(self._sources(names)),
        )

    @property
    def sort(self) -> str:
        """The order's name, with `-` in front where it is turned round."""
        return self.valid("sort") or DEFAULTS["sort"]

    @property
    def order(self) -> Order:
        """The order."""
        return orders.order_of(self.sort)

    @property
    def after(self) -> Cursor | HitCursor | None:
        """The row that the page follows."""
        return self.valid("after")

    @property
    def before(self) -> Cursor | HitCursor | None:
        """The row that the page precedes; `after` goes first."""
        return None if self.after else self.valid("before")

    @property
    def is_narrowed(self) -> bool:
        """Whether anybody might be left out."""
        return any(self.valid(name) not in EMPTY_VALUES for name in self.filters if name not in DEFAULTS)

    @property
    def is_filtered(self) -> bool:
        """Whether anybody might be left out by anything but the words."""
        names = self.filters.keys() - DEFAULTS.keys() - {"q", *SENT}
        return any(self.valid(name) not in EMPTY_VALUES for name in names)

    @property
    def is_plain(self) -> bool:
        """Whether this is the list as it first opens: everyone, the usual order, the first page."""
        return not (self.is_narrowed or self.after or self.before or self.sort != DEFAULTS["sort"])

    # -- the address, which is the state

    def query(self, **changes: Any) -> QueryDict:
        """The valid parameters with `changes` (None or "" takes one away), without page and what goes unsaid."""
        query = QueryDict(mutable=True)
        for name in [*self.filters, "sort", *CURSORS]:
            given = changes[name] if name in changes else self._given(name)
            if given and given != DEFAULTS.get(name):
                query.setlist(name, given if isinstance(given, list) else [given])
        return query

    def state(self, **changes: Any) -> str:
        """The query string of this list with `changes`, and the saved view that it began as."""
        query = self.query(**changes)
        if self.from_view:
            query["from_view"] = str(self.from_view)
        return query.urlencode()

    def address(self, **changes: Any) -> str:
        """The address of this list with `changes`."""
        state = self.state(**changes)
        return f"/users/?{state}" if state else "/users/"

    # -- the pieces

    def _passing(self, people: QuerySet[ChatUser], names: Set[str]) -> QuerySet[ChatUser]:
        """Those of `people` whom the valid parameters among `names` let through."""
        for name in names & self.form.cleaned_data.keys():
            people = self.filters[name].filter(people, self.form.cleaned_data[name])
        return people

    @cached_property
    def _tags(self) -> list[int]:
        """The tags that are asked for, as far as they are there."""
        return list(Tag.objects.filter(name_folded__in=self.valid("tag")).values_list("pk", flat=True))

    def _sources(self, names: Set[str]) -> Iterator[Source]:
        """The filters' own indexes."""
        if "tag" in names:
            for tag in self._tags:
                yield Source("tagging_of_tag", Tagging.objects.filter(tag=tag), "chat_user")
        for index, of_index in OF_INDEX.items():
            if names & of_index:
                yield Source(index, self._passing(self.queryset, of_index))
        if self.valid("kind") == "anonymous":
            yield Source("chatuser_name", self.queryset.filter(NAMELESS))
        if self.valid("has_email") == "no":
            yield Source("chatuser_email", self.queryset.filter(ADDRESSLESS))

    def _given(self, name: str) -> Any:
        if name in CURSORS or name in self.errors:
            return None
        given = self.form.fields[name].widget.value_from_datadict(self.data, {}, name)
        return [value for value in given if value.strip()] if isinstance(given, list) else given


def _days_ago(days: str) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=int(days))
