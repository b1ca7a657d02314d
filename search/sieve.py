"""Whom the list's filters let through, and the ways to them: along the order, or through the filters' own indexes.

Which way is the shorter one hangs on how many are left: of many the first ones stand soon in any order, few have to be
gathered and sorted. PostgreSQL knows about how many there are from its statistics. SQLite keeps none, so the indexes
that a filter has are asked for as many entries as would still be few.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from chatadmin.lib.hints import BY_ID, by_index
from chatadmin.lib.paging import Order
from search.orders import INDEXES
from users.models import ChatUser

# So many are gathered rather than walked to: where an index's entries say it all, and where everybody's row has to be
# looked at.
FEW_ENTRIES = 20_000
FEW_ROWS = 5_000
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

    def are_few(self, order: Order) -> bool:
        """Whether so few are let through that to gather them all and sort them is the shortest way. Asks the database."""
        if not self.is_narrowed:
            return False
        if connection.vendor == "sqlite":
            return self._smallest is not None and self._smallest.size <= FEW_ON_SQLITE
        is_held = self.by_index is not None and self.by_row is None and order.column in HELD
        return self._expected <= (FEW_ENTRIES if is_held else FEW_ROWS)

    @cached_property
    def gathered(self) -> QuerySet[ChatUser]:
        """Those let through, found by the filters' own indexes. Asks the database."""
        if connection.vendor == "sqlite":
            return self._from_smallest()
        if self.by_index is None or self.by_row is None or self._expected > FEW_ROWS:
            return self.people
        return self.by_row.filter(pk__in=self.by_index.order_by().values("pk")[:ANY_NUMBER])

    def along(self, order: Order) -> QuerySet[ChatUser]:
        """Those let through, to be met one after another in that order."""
        return by_index(self.people, INDEXES[order.column])

    @cached_property
    def _expected(self) -> int:
        """How many people PostgreSQL expects the filters' indexes to give."""
        people = self.people if self.by_index is None else self.by_index
        try:
            plan = json.loads(people.order_by().values("pk").explain(format="json"))
        except EmptyResultSet:
            return 0
        return int(plan[0]["Plan"]["Plan Rows"])

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
