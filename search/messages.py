"""Finding people by what they said: a walk over matching messages, newest first, that meets each person once.

A page is the next so many people below its cursor, each with their newest match. Whoever has a match above the cursor
was on an earlier page and is passed over. Conversations are found in the same way (`Sought.each`). What the walk costs
is bounded by a budget: it stops where that ends, says so, and can go on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import connection

from chatadmin.lib.budget import Budget, OverBudget
from search import matches
from search.extent import Bounds, id_bounds
from search.hits import Hit, HitCursor
from search.matches import Sought
from search.walk import MATCHES_FIRST, MATCHES_MOST, Walk

# So many matches above a page are looked through to know who was on the pages before; above that, each person is
# asked about alone.
ABOVE_MOST = 10_000
# So many messages are read for it rather than asking the index: in milliseconds, also for a frequent beginning.
ABOVE_READ = 30_000
# Any matches will do to know that there are more than a thousand people; among so many they often are.
STEP = 3
COUNTED = tuple(4_000 * STEP**at for at in range(5))
# So many matches are soonest counted without asking bucket by bucket, which is for more frequent words.
COUNTED_AT_ONCE = 60_000
# Of a page's time so much may go into counting; what takes longer is left for when the page is there.
COUNT_SECONDS = 0.008
A_MATCH_SECONDS = 0.000_006
# A machine that can't take one step within the budget takes one step all the same.
GRACE_SECONDS = 1.0


@dataclass
class HitPage:
    """One page. `hits`: one for each person, newest first. `total`: people in all, exact where not `and_more`.
    `stopped`: where the time ran out; the walk goes on from there."""

    hits: list[Hit] = field(default_factory=list)
    after: HitCursor | None = None
    before: HitCursor | None = None
    stopped: HitCursor | None = None
    total: int = 0
    and_more: bool = False


def find_hits(
    sought: Sought,
    *,
    size: int,
    most: int,
    budget: Budget,
    after: HitCursor | None = None,
    before: HitCursor | None = None,
    has_grace: bool = True,
    count_seconds: float | None = None,
) -> HitPage:
    """The page of `size` people after or before a cursor, or the first one; people counted up to `most`, where that
    takes no more than `count_seconds` (by default little) or the budget is one of seconds.

    `has_grace`: comes at least one step further, also where the budget doesn't suffice for it.
    """
    if not sought.words.terms:
        return HitPage()
    bounds = id_bounds(sought.sent_from, sought.sent_to)
    if bounds is None:
        return HitPage()
    edge = after or before
    if edge:
        bounds = bounds._replace(below=min(edge.top + 1, bounds.below))
    search = _Search(sought, bounds, budget, has_grace=has_grace)
    page = search.backward(edge.id, size) if edge and edge is not after else search.forward(after, size)
    page.total = len(page.hits)
    if not (edge is None and page.after is None and page.stopped is None):
        page.and_more = True
        search.count(page, most, COUNT_SECONDS if count_seconds is None else count_seconds)
    return page


def count_hits(sought: Sought, *, most: int, budget: Budget) -> tuple[int, bool]:
    """How many people said it, up to `most`, and whether there may be more."""
    page = HitPage(and_more=True)
    bounds = id_bounds(sought.sent_from, sought.sent_to)
    if bounds is None or not sought.words.terms:
        return 0, False
    if sought.words.indexed:
        with suppress(OverBudget):
            _count(page, sought, bounds, most, budget)
    return page.total, page.and_more


class _Search:
    """One request's search among the messages with `low` <= id <= `top`."""

    def __init__(self, sought: Sought, bounds: Bounds, budget: Budget, *, has_grace: bool) -> None:
        self.budgets = [budget, Budget(GRACE_SECONDS)] if has_grace else [budget]
        self.sought, self.bounds, self.budget = sought, bounds, budget
        self.low, self.top = bounds.low, bounds.below - 1
        self.key = sought.key
        self.above: set[int] | None = None
        self.walk: Walk | None = None

    def forward(self, edge: HitCursor | None, size: int) -> HitPage:
        """The people under `edge`."""
        below = min(edge.id, self.top + 1) if edge else self.top + 1
        found: dict[int, Hit] = {}
        reached = self._gather(found, edge, below, size)
        rows = list(found.values())
        page = HitPage(rows[:size])
        if len(rows) > size:
            page.after = HitCursor(self.top, rows[size - 1].id if size else below)
        elif reached > self.low:
            page.stopped = HitCursor(self.top, reached)
        if edge:
            # Of an empty page the way back leads to the row before its edge again.
            page.before = HitCursor(self.top, rows[0].id if page.hits else below - 1)
        return page

    def _gather(self, found: dict[int, Hit], edge: HitCursor | None, below: int, size: int) -> int:
        """Fills `found` with the newest matches under `below` of more than `size` people, if there are so many; down
        to the id that it returns nobody is left out."""
        reached = below
        for budget in self.budgets:
            self.budget = budget
            self.walk = Walk(self.sought, self.bounds._replace(below=below), budget)
            try:
                for hits in self.walk.batches():
                    fresh = [hit for hit in hits if self.key(hit) not in found]
                    shown = self._shown_above(fresh, below) if edge else set()
                    for hit in fresh:
                        if self.key(hit) not in shown:
                            found.setdefault(self.key(hit), hit)
                    reached = self.walk.reached
                    if len(found) > size or (budget is not self.budgets[0] and reached < below):
                        break
                return reached
            except OverBudget:
                if reached < below:
                    break
        return reached

    def backward(self, above: int, size: int) -> HitPage:
        """The people over message `above`: those whose newest match is newer, the oldest of them."""
        found: dict[int, Hit] = {}
        page = HitPage()
        low, limit = max(above + 1, self.low), MATCHES_FIRST
        try:
            while len(found) <= size and low <= self.top:
                hits, reached = self._oldest(low, limit)
                for hit in hits:
                    found[self.key(hit)] = hit
                low, limit = reached, min(2 * limit, MATCHES_MOST)
        except OverBudget:
            page.stopped = HitCursor(self.top, low - 1)
        rows = list(found.values())
        page.hits = rows[:size][::-1]
        if len(rows) > size:
            page.before, page.stopped = HitCursor(self.top, page.hits[0].id), None
        if page.hits:
            page.after = HitCursor(self.top, page.hits[-1].id)
        return page

    def _oldest(self, low: int, limit: int) -> tuple[list[Hit], int]:
        """Of the next matches from `low` up those that are somebody's newest, and the id up to which they reach."""
        with self.budget.limit():
            hits = matches.oldest(self.sought, low=low, below=self.top + 1, limit=limit)
            newest = {self.key(hit): hit for hit in matches.wanted(self.sought, hits)}
        is_all = len(hits) < limit
        reached = self.top + 1 if is_all else hits[-1].id + 1
        newer = set() if is_all else self._have_match(list(newest), reached)
        return sorted(hit for own, hit in newest.items() if own not in newer), reached

    def _shown_above(self, hits: Sequence[Hit], edge: int) -> set[int]:
        """Who of these people has a match from `edge` up, and so was on an earlier page."""
        if self.above is None:
            with self.budget.limit():
                if self.top - edge < ABOVE_READ:
                    said = matches.read(self.sought, low=edge, below=self.top + 1)
                    self.above = {self.key(hit) for hit in said}
                elif self.walk is not None and self.walk.expected(self.top - edge) < ABOVE_MOST:
                    self.above = matches.all_in(self.sought, low=edge, below=self.top + 1, most=ABOVE_MOST)
        if self.above is not None:
            return self.above
        return self._have_match([self.key(hit) for hit in hits], edge)

    def _have_match(self, ids: list[int], low: int) -> set[int]:
        with self.budget.limit():
            found = matches.of_each(self.sought, ids, low=low, below=self.top + 1)
        return {self.key(hit) for hit in found}

    def count(self, page: HitPage, most: int, seconds: float) -> None:
        """How many people there are in all, where that is soon known."""
        budget = self.budget.part(seconds if self.budget.left < 1 else self.budget.left)
        expected = self.walk.expected(self.bounds.everywhere) if self.walk else 0
        # PostgreSQL puts the lists of several words together anew, which takes as long as there is for it.
        is_long = connection.vendor == "postgresql" and self.sought.words.is_several and budget.left < 1
        is_soon = min(expected, COUNTED[0]) * A_MATCH_SECONDS < budget.left and not is_long
        if self.sought.words.indexed and is_soon:
            with suppress(OverBudget):
                _count(page, self.sought, self.bounds, most, budget)


def _count(page: HitPage, sought: Sought, bounds: Bounds, most: int, budget: Budget) -> None:
    """Counts people into `page`, three times as many matches each time. Raises OverBudget."""
    is_rare = connection.vendor == "postgresql" and matches.estimated(sought) < COUNTED_AT_ONCE
    for limit in COUNTED:
        left = budget.left
        with budget.limit():
            people, said = matches.count(
                sought, low=bounds.low, below=bounds.below, limit=limit, is_rare=is_rare
            )
        page.total = max(page.total, min(people, most))
        page.and_more = people > most or said == limit
        # Three times as many would take three times as long: what would be broken off isn't begun.
        if people > most or not page.and_more or STEP * (left - budget.left) > budget.left:
            return
