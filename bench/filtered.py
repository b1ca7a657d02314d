"""Message search with filters, and the list itself: each sort with each filter, and very far down."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.db.models import F
from django.http import QueryDict

from bench import direct, terms
from bench.classes import ALL, TITLES
from bench.direct import Case
from bench.messages import query
from bench.places import Effort
from bench.served import Browser
from bench.vocabulary import evenly
from search.filters import UserFilters
from search.orders import ORDERS
from search.queries import PAGE_SIZE
from users.queries import living

FAR_PAGE = 10_000
FAR_REPEATS = 5
SORTS = [*ORDERS, *(f"-{name}" for name in ORDERS)]
FILTERS = [
    "has_email=yes",
    "has_email=no",
    "active=7",
    "active=90",
    "min_messages=20",
    "min_messages=1000",
    "vip=yes",
    "tag=billing",
    "kind=identified",
    "kind=anonymous",
    "repeat=yes",
    "vip=yes&active=7",
    "tag=beta&has_email=yes&min_messages=20",
    "kind=anonymous&repeat=yes&active=7",
    "tag=wholesale&vip=yes&repeat=yes",
]


def filters(now: dt.datetime) -> list[str]:
    """All filters that are tried, some that only three days of last winter pass among them."""
    first, last = (f"{now - dt.timedelta(days=days):%Y-%m-%d}" for days in (303, 300))
    return [
        *FILTERS,
        *(urlencode({f"{name}_from": first, f"{name}_to": last}) for name in ("active", "first", "sent")),
    ]


def measure(kept: dict[str, Any], effort: Effort, now: dt.datetime) -> dict[str, Any]:
    """Words of every class with every filter: times for each filter and for all, and how many met the budget."""
    each = -(-effort.filtered // len(TITLES))
    words = evenly(
        [term.query for name in TITLES for term in terms.of_class(kept, name, each)], effort.filtered
    )
    cases = [Case(f"{query(typed)}&{narrow}", (ALL, narrow)) for narrow in filters(now) for typed in words]
    return {"times": direct.repeat(cases, 1, direct.timed), **direct.cut_short(cases)}


def measure_list(effort: Effort, now: dt.datetime) -> dict[str, Any]:
    """The list's first page in every order with every filter: times for each order, each filter, and for all."""
    cases = [
        Case(f"sort={sort}&{narrow}", (ALL, f"sort={sort}", narrow or "no filter"))
        for narrow in ["", *filters(now)]
        for sort in SORTS
    ]
    return {"times": direct.repeat(cases, effort.repeats, direct.timed), **direct.cut_short(cases)}


def through(effort: Effort, browser: Browser) -> dict[str, Any]:
    """The list's first page in every order: the times of the whole answer, for each and for all."""
    cases = [Case(f"sort={sort}", (ALL, f"sort={sort}")) for sort in SORTS]
    return direct.repeat(cases, effort.repeats, browser.timed)


def measure_far(effort: Effort, people: int) -> dict[str, Any]:
    """Page 10,000 of every order beside page 1; where there are fewer people, a page near the end."""
    number = min(FAR_PAGE, people * 9 // 10 // PAGE_SIZE)
    cases = []
    for sort in SORTS:
        cases.append(Case(f"sort={sort}", ("first", f"first {sort}")))
        cases.append(Case(f"sort={sort}&after={_cursor(sort, number)}", ("far", f"far {sort}")))
    return {"page": number, **direct.repeat(cases, FAR_REPEATS * effort.repeats, direct.timed)}


def _cursor(sort: str, number: int) -> str:
    """The cursor that the page before page `number` would have given; found by counting rows, once."""
    order = UserFilters(QueryDict(f"sort={sort}"), queryset=living()).order
    column = F(order.column)
    key = column.desc(nulls_last=True) if order.descending else column.asc(nulls_last=True)
    people = living().order_by(key, "-pk" if order.descending else "pk")
    at = PAGE_SIZE * (number - 1) - 1
    return order.cursor(people[at : at + 1].get()).encode()
