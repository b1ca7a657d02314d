"""A page of people in the list's order, by whichever way is the shorter one for what the filters let through."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import QuerySet

from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.paging import Cursor, Order, Page, page
from users.models import ChatUser
from users.queries import living

COUNT_SECONDS = 0.02
# The order's own index is left for the filters' where it shows no full page by then.
WALK_SECONDS = 0.02
SORTING_SHARE = 3 / 4
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


def count(people: QuerySet[ChatUser], *, is_narrowed: bool, most: int, budget: Budget) -> Counted:
    """Counts up to `most`; one more stands for any number."""
    try:
        with budget.part(COUNT_SECONDS if budget.left < 1 else budget.left).limit():
            if not is_narrowed:
                total = people.order_by()[: most + 1].count()
                return Counted(min(total, most), total > most)
            ids = list(people.order_by().values_list("pk", flat=True)[: most + 1])
    except OverBudget:
        return Counted(0, and_more=True)
    return Counted(min(len(ids), most), len(ids) > most, ids if len(ids) <= most else None)


def listed(
    people: QuerySet[ChatUser],
    counted: Counted,
    order: Order,
    *,
    size: int,
    budget: Budget,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Listed:
    """One page of `people`.

    Few are fetched by id and sorted. Of many, the first ones turn up soon along the order's index, unless they all
    stand far down in it; then the filters' own indexes and a sort are quicker. Left to choose, a database walks its
    whole order for a match or two.
    """
    if counted.ids is not None:
        return Listed(page(living().filter(pk__in=counted.ids), order, size=size, after=after, before=before))
    try:
        with budget.part(WALK_SECONDS if budget.left < 1 else budget.left).limit():
            return Listed(page(people, order, size=size, after=after, before=before))
    except OverBudget:
        pass
    try:
        with budget.part(budget.left * SORTING_SHARE).limit():
            return Listed(page(people, order, size=size, sorted_anew=True, after=after, before=before))
    except OverBudget:
        return _in_pieces(
            people, order, size, budget, before or after, is_backwards=before is not None and after is None
        )


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
