"""Everyone whom the list's parameters find, in the order of its pages, a piece at a time.

For what takes the whole list along, however long it is. Each piece is a short read of its own, so that nothing stays
open while somebody takes their time. People who come while it goes on are left out, and nobody is met twice: of all
who were met one bit each is kept (a million people take 125 KB). Whoever moves up the order meanwhile, behind the
walk's back, is missed, as on the pages.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.paging import Order, page
from search import matches
from search.extent import id_bounds
from search.filters import UserFilters
from search.matches import Sought
from search.queries import sought_by
from search.walk import Walk
from users.models import ChatUser
from users.queries import living

# What the filters leave is fetched at once and sorted where it is no more than this and found soon; else the order is
# walked, and each piece of it filtered.
FEW = 10_000
FEW_SECONDS = 2.0
PIECE = 4_000
# No single read may take longer.
STEP_SECONDS = 10.0
BLOCK_IDS = 1 << 16


@dataclass(frozen=True)
class Met:
    """Somebody who was found. `message`: the one that they were found by, where it was that."""

    person: int
    message: int | None = None


def everyone(filters: UserFilters) -> Iterator[list[Met]]:
    """Everyone, in pieces of any size, the first of them as soon as it is found. Raises OverBudget on the way where
    the database is too slow for a single step."""
    # Asked now, not on the way: days begin by the viewer's clock, which is known only while the request lasts.
    named, sought = _named_by(filters), _sought_by(filters)
    return _walked(named, filters.order, sought, is_narrowed=filters.is_narrowed)


def these(filters: UserFilters, people: Sequence[uuid.UUID]) -> list[Met]:
    """Those of `people` who live, as they are given, each with the message that the list shows beside them.

    Two queries or three; on SQLite one more for each of them where messages are searched. Raises OverBudget.
    """
    known = dict(living().filter(uuid__in=people).values_list("uuid", "pk"))
    ids = [known[person] for person in people if person in known]
    named, sought = _named_by(filters), _sought_by(filters)
    said = ids
    if named is not None:
        with_name = set(named.filter(pk__in=ids).values_list("pk", flat=True))
        said = [person for person in ids if person not in with_name]
    bounds = id_bounds(*filters.sent) if said else None
    found: dict[int, int] = {}
    if sought is not None and bounds is not None:
        with Budget(STEP_SECONDS).limit():
            hits = matches.of_each(sought, said, low=bounds.low, below=bounds.below)
        found = {hit.chat_user_id: hit.id for hit in hits}
    return [Met(person, found.get(person)) for person in ids]


def _named_by(filters: UserFilters) -> QuerySet[ChatUser] | None:
    return filters.named if filters.words is None or filters.place == "any" else None


def _sought_by(filters: UserFilters) -> Sought | None:
    return sought_by(filters) if filters.words is not None and filters.words.terms else None


def _walked(
    named: QuerySet[ChatUser] | None, order: Order, sought: Sought | None, *, is_narrowed: bool
) -> Iterator[list[Met]]:
    seen = _Seen()
    # Before the newest person is looked up, so that whoever wrote one of these messages is known by then.
    bounds = id_bounds(sought.sent_from, sought.sent_to) if sought is not None else None
    newest = living().order_by("-pk").values_list("pk", flat=True).first() or 0
    if named is not None:
        for ids in _in_order(named, order, newest, is_narrowed=is_narrowed):
            yield [Met(person) for person in ids if seen.add(person)]
    if sought is None or bounds is None:
        return
    walk = Walk(sought, bounds, Budget(STEP_SECONDS), is_whole=True)
    for hits in walk.batches():
        yield [Met(hit.chat_user_id, hit.id) for hit in hits if seen.add(hit.chat_user_id)]
        walk.budget = Budget(STEP_SECONDS)


def _in_order(
    people: QuerySet[ChatUser], order: Order, newest: int, *, is_narrowed: bool
) -> Iterator[list[int]]:
    few = _few(people) if is_narrowed else None
    known = living().filter(pk__lte=newest) if few is None else living().filter(pk__in=few)
    size = PIECE if few is None else FEW
    edge = None
    while True:
        with Budget(STEP_SECONDS).limit():
            rows = page(known.only("pk", order.column), order, size=size, after=edge).rows
            ids = [person.pk for person in rows]
            if is_narrowed and few is None:
                let_through = set(people.filter(pk__in=ids).order_by().values_list("pk", flat=True))
                ids = [person for person in ids if person in let_through]
        yield ids
        if len(rows) < size:
            return
        edge = order.cursor(rows[-1])


def _few(people: QuerySet[ChatUser]) -> list[int] | None:
    """All of `people`, where these are few and soon found."""
    try:
        with Budget(FEW_SECONDS).limit():
            ids = list(people.order_by().values_list("pk", flat=True)[: FEW + 1])
    except OverBudget:
        return None
    return ids if len(ids) <= FEW else None


class _Seen:
    """Ids that were met, a bit each, in blocks that are made where they are needed."""

    def __init__(self) -> None:
        self.blocks: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(BLOCK_IDS // 8))

    def add(self, number: int) -> bool:
        """Notes an id. False where it was known."""
        place = number % BLOCK_IDS
        block, at, bit = self.blocks[number // BLOCK_IDS], place // 8, 1 << place % 8
        was_there = block[at] & bit
        block[at] |= bit
        return not was_there
