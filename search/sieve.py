"""Whom the list's filters let through, and the ways to them: along the order, or through the filters' own indexes.

Which way is the shorter one hangs on how many are left: of many the first ones stand soon in any order, few have to be
gathered and sorted. PostgreSQL knows from its statistics about how many there are, and what it takes to gather them.
SQLite keeps none, so the indexes that a filter has are asked for as many entries as would still be few.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from chatadmin.lib.hints import BY_ID, by_index
from chatadmin.lib.paging import Order
from search.orders import INDEXES
from users.models import ChatUser
from users.queries import living

# So many are gathered rather than walked to, where PostgreSQL expects it to cost no more than this: 20 or 30 ms.
FEW = 20_000
CHEAP = 12_000
# The columns that the filters' own indexes hold beside what they filter by.
HELD = {"last_active", "first_contact", "message_count"}
# SQLite follows an entry to its row at once where the index doesn't tell.
FEW_ON_SQLITE = 10_000
# More than there can be. A part of a statement that has a limit is looked up as it stands, by itself.
ANY_NUMBER = 2**40


@dataclass(frozen=True)
class Source:
    """The people that one filter lets through, by an index of its own. `ids`: their ids, in a column called `key`."""

    index: str
    ids: QuerySet[Any]
    key: str = "pk"

    @cached_property
    def size(self) -> int:
        """How many there are, counted as far as they are few."""
        return int(by_index(self.ids, self.index).order_by()[: FEW_ON_SQLITE + 1].count())


@dataclass(frozen=True)
class Gathering:
    """A way to gather people: how many PostgreSQL expects, and what in its own measure it expects that to cost."""

    people: QuerySet[ChatUser]
    expected: int
    cost: float

    @property
    def is_cheap(self) -> bool:
        """Whether it is soon done, however few they are."""
        return self.cost <= CHEAP


@dataclass(frozen=True)
class Sieve:
    """Whom the filters let through: `people`.

    `is_narrowed`: whether anybody might be left out. `by_index`: those filters that indexes answer without a look at
    anybody's row, None where all have to be taken together; `by_row`: the others, None where there are none.
    `sources`: the filters' own indexes.
    """

    people: QuerySet[ChatUser]
    is_narrowed: bool
    by_index: QuerySet[ChatUser] | None = None
    by_row: QuerySet[ChatUser] | None = None
    sources: Sequence[Source] = ()
    _known: dict[str, Gathering] = field(default_factory=dict, init=False, repr=False)

    def are_few(self, order: Order) -> bool:
        """Whether so few are let through that to gather them all and sort them is the shortest way. Asks the database."""
        if not self.is_narrowed:
            return False
        if connection.vendor == "sqlite":
            return self._smallest is not None and self._smallest.size <= FEW_ON_SQLITE
        gathering = self._gathering(order.column)
        return gathering.is_cheap and gathering.expected <= FEW

    def gathered(self, order: Order | None = None) -> QuerySet[ChatUser]:
        """Those let through, found by the filters' own indexes, to be sorted in that order. May ask the database."""
        if connection.vendor == "sqlite":
            return self._from_smallest()
        column = order.column if order else "pk"
        if len(self._ways(column)) == 1:
            return self.people
        gathering = self._gathering(column)
        return gathering.people if gathering.is_cheap else self.people

    def along(self, order: Order) -> QuerySet[ChatUser]:
        """Those let through, to be met one after another in that order."""
        return by_index(self.people, INDEXES[order.column])

    def _ways(self, column: str) -> list[QuerySet[ChatUser]]:
        """How to gather them on PostgreSQL: all at once; or first what indexes say, then the rows of those."""
        if self.by_index is None or (self.by_row is None and column in {"pk", *HELD}):
            return [self.people]
        rows = living() if self.by_row is None else self.by_row
        return [self.people, rows.filter(pk__in=self.by_index.order_by().values("pk")[:ANY_NUMBER])]

    def _gathering(self, column: str) -> Gathering:
        """The cheapest of the ways."""
        if column not in self._known:
            planned = [_planned(way, column) for way in self._ways(column)]
            self._known[column] = min(planned, key=lambda way: way.cost)
        return self._known[column]

    @cached_property
    def _smallest(self) -> Source | None:
        return min(self.sources, key=lambda source: source.size, default=None)

    def _from_smallest(self) -> QuerySet[ChatUser]:
        source = self._smallest
        if source is None:
            # Words have an index of their own, and bring it along.
            return self.people if self.by_index is None else by_index(self.people, INDEXES["last_active"])
        if source.key == "pk":
            return by_index(self.people, source.index)
        return by_index(self.people.filter(pk__in=source.ids.values(source.key)), BY_ID)


def _planned(people: QuerySet[ChatUser], column: str) -> Gathering:
    """What PostgreSQL expects of it."""
    explained = people.order_by().values("pk", column).explain(format="json")
    if not explained:  # Django knows that there is nobody, and didn't ask
        return Gathering(people, 0, 0)
    plan = json.loads(explained)[0]["Plan"]
    return Gathering(people, int(plan["Plan Rows"]), float(plan["Total Cost"]))
