"""A page of people in the list's order, by whichever way is the shorter one for what the filters let through."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

from django.db.models import QuerySet

from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.paging import Cursor, Order, Page, page
from search.sieve import Sieve
from users.models import ChatUser
from users.queries import living

COUNT_SECONDS = 0.02
# The walk is left for the other way where it shows no page by then; either leaves a share of the budget to the next.
WALK_SECONDS = 0.02
OTHER_SHARE = 3 / 4
# At last the order is walked in pieces, which says how far it came.
PIECE = 2_000
GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Counted:
    """How many people there are: `total` is exact where not `and_more`. `ids`: all of them, where these are few."""

    total: int
    and_more: bool
    ids: list[int] | None = field(default=None)


@dataclass(frozen=True)
class Listed:
    """A page, and the cursor down to which nobody was left out where the time ran out before the page was full."""

    page: Page[ChatUser]
    stopped: Cursor | None = None


def count(sieve: Sieve, *, most: int, budget: Budget, seconds: float = COUNT_SECONDS) -> Counted:
    """Counts up to `most`, for no more than `seconds` unless the budget is longer; one more stands for any number."""
    try:
        with budget.part(seconds if budget.left < 1 else budget.left).limit():
            if not sieve.is_narrowed:
                total = sieve.people.order_by()[: most + 1].count()
                return Counted(min(total, most), total > most)
            ids = list(sieve.gathered().order_by().values_list("pk", flat=True)[: most + 1])
    except OverBudget:
        return Counted(0, and_more=True)
    return Counted(min(len(ids), most), len(ids) > most, ids if len(ids) <= most else None)


def listed(
    sieve: Sieve,
    counted: Counted,
    order: Order,
    *,
    size: int,
    budget: Budget,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Listed:
    """One page of whom the filters let through.

    Of many, the first ones turn up soon along the order's index, unless they all stand far down in it; few are
    gathered by the filters' own indexes and sorted. What isn't done soon is tried the other way.
    """
    if counted.ids is not None:
        return Listed(page(living().filter(pk__in=counted.ids), order, size=size, after=after, before=before))
    with contextlib.suppress(OverBudget):
        return Listed(_soonest(sieve, order, size, budget, after, before))
    return _in_pieces(
        sieve.people, order, size, budget, before or after, is_backwards=before is not None and after is None
    )


def _soonest(
    sieve: Sieve, order: Order, size: int, budget: Budget, after: Cursor | None, before: Cursor | None
) -> Page[ChatUser]:
    """The page by the one way or the other. Raises OverBudget."""
    with budget.limit():
        are_few = sieve.are_few(order)
    seconds = budget.left * OTHER_SHARE if are_few else WALK_SECONDS
    with (
        contextlib.suppress(OverBudget),
        budget.part(seconds if budget.left < 1 else budget.left).limit(),
    ):
        return _page(sieve, order, size, after, before, is_gathered=are_few)
    with budget.part(budget.left * OTHER_SHARE).limit():
        return _page(sieve, order, size, after, before, is_gathered=not are_few)


def _page(
    sieve: Sieve, order: Order, size: int, after: Cursor | None, before: Cursor | None, *, is_gathered: bool
) -> Page[ChatUser]:
    """The page by ids and what they are sorted by, which an index may hold; then the rows, which are wide."""
    people = sieve.gathered(order) if is_gathered else sieve.along(order)
    keys = people.values_list("pk", order.column, named=True)
    found = page(keys, order, size=size, after=after, before=before, sorted_anew=is_gathered)
    rows = living().in_bulk([key.pk for key in found.rows])
    return replace(found, rows=[rows[key.pk] for key in found.rows if key.pk in rows])


def _in_pieces(
    people: QuerySet[ChatUser],
    order: Order,
    size: int,
    budget: Budget,
    edge: Cursor | None,
    *,
    is_backwards: bool,
) -> Listed:
    """As many of a page as the rest of the budget finds; one piece is looked through in any case."""
    found: list[ChatUser] = []
    reached = edge
    piece_budget = Budget(GRACE_SECONDS)
    try:
        while len(found) <= size:
            after, before = (None, reached) if is_backwards else (reached, None)
            with piece_budget.limit():
                piece = page(
                    living().values_list("pk", order.column, named=True),
                    order,
                    size=PIECE,
                    after=after,
                    before=before,
                ).rows
                ids = [person.pk for person in piece]
                found_here = {person.pk: person for person in people.filter(pk__in=ids)}
            rows = [found_here[pk] for pk in ids if pk in found_here]
            found = rows + found if is_backwards else found + rows
            if len(piece) < PIECE:
                return Listed(_cut(found, order, size, edge, is_backwards))
            reached = order.cursor(piece[0] if is_backwards else piece[-1])
            piece_budget = budget
    except OverBudget:
        pass
    part = _cut(found, order, size, edge, is_backwards)
    return Listed(part, reached if len(found) <= size else None)


def _cut(
    found: list[ChatUser], order: Order, size: int, edge: Cursor | None, is_backwards: bool
) -> Page[ChatUser]:
    more = len(found) > size
    rows = found[-size:] if is_backwards else found[:size]
    if not rows:
        return Page(rows, None, None)
    first, last = order.cursor(rows[0]).encode(), order.cursor(rows[-1]).encode()
    has_after, has_before = (edge is not None, more) if is_backwards else (more, edge is not None)
    return Page(rows, last if has_after else None, first if has_before else None)
