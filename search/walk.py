"""The walk over matching messages, newest first, in batches that each cost about the same."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from chatadmin.lib.budget import Budget, OverBudget
from search import matches
from search.extent import Bounds
from search.hits import Hit
from search.matches import Sought
from users.queries import living

# PostgreSQL: the newest messages are read one by one before its index is asked.
READ_FIRST = 3_000
READ_MOST = 24_000
# Whoever isn't found among so many is rare for another reason than the words: a filter, or pages that came before.
READ_ON_MOST = 60_000
# Where at least one message in so many matches, reading on fills a page sooner than the index, which gives no order: it
# has all matches of a bucket fetched.
READ_SHARE = 1 / 150
MATCHES_FIRST = 400
MATCHES_MOST = 6_400
# So few matches are fetched all at once rather than bucket by bucket, as long as that is as quick as expected.
RARE = 2_000
RARE_SECONDS = 0.03
# One statement looks through so many buckets, and as many as are expected to hold so many matches.
BUCKETS_MOST = 4
MATCHES_AT_ONCE = 3_000
# A filter that leaves so few people is walked person by person where the words are frequent.
FEW_PEOPLE = 1_000
FEW_SECONDS = 0.015
# Lone characters of scripts without spaces are looked for by reading, so many messages at a time.
PART_MESSAGES = 20_000


class Walk:
    """The matches within `bounds`. `reached`: down to this id nothing is left out.

    `is_whole`: to the end also where words are looked for by reading, which else is one step.
    """

    def __init__(self, sought: Sought, bounds: Bounds, budget: Budget, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self.sought, self.bounds, self.budget = sought, bounds, budget
        self.low, self.below = bounds.low, bounds.below
        self.reached = bounds.below
        self.matched = 0

    def expected(self, ids: int) -> float:
        """How many matches so many ids hold, going by what was walked; at least what one match more would mean."""
        walked = max(1, self.below - self.reached)
        return (self.matched + 1) / walked * ids

    @property
    def is_rare(self) -> bool:
        """Whether few are expected everywhere: where the buckets aren't named, the index gives those outside too."""
        return self.expected(self.bounds.everywhere) < RARE

    def batches(self) -> Iterator[list[Hit]]:
        """The matches, newest first. Raises OverBudget between two batches."""
        if not self.sought.words.indexed:
            while self.reached > self.low:
                yield self._read_down(PART_MESSAGES)
                if not self.is_whole:
                    break
            return
        if connection.vendor == "postgresql":
            yield self._read_down(READ_FIRST)
            if self.reached > self.low and self._is_narrowed:
                few = self._of_few()
                if few is not None:
                    self.reached = self.low
                    yield few
                    return
            yield from self._read_on()
        yield from self._by_index()

    def _by_index(self) -> Iterator[list[Hit]]:
        limit = MATCHES_FIRST
        while self.reached > self.low:
            hits, low = self._newest(limit)
            with self.budget.limit():
                found = matches.wanted(self.sought, hits)
            self.matched += len(hits)
            self.reached = hits[-1].id if len(hits) == limit else low
            yield found
            limit = min(2 * limit, MATCHES_MOST)

    def _newest(self, limit: int) -> tuple[list[Hit], int]:
        """The next matches, and the id down to which they were looked for."""
        low = self.low
        if connection.vendor == "postgresql":
            is_known = self.below - self.reached > READ_FIRST
            if is_known and self.is_rare:
                try:
                    with self.budget.part(RARE_SECONDS).limit():
                        return self._matches(low, limit, is_rare=True), low
                except OverBudget:  # frequent long ago
                    pass
            low = self._next_buckets()
        with self.budget.limit():
            return self._matches(low, limit, is_rare=False), low

    def _matches(self, low: int, limit: int, *, is_rare: bool) -> list[Hit]:
        return matches.newest(self.sought, low=low, below=self.reached, limit=limit, is_rare=is_rare)

    def _next_buckets(self) -> int:
        """So many buckets further down that a statement costs about the same, and stops at a bucket's edge."""
        per_bucket = self.expected(1 << matches.BUCKET_BITS)
        buckets = min(BUCKETS_MOST, max(1, int(MATCHES_AT_ONCE / per_bucket)))
        return max(
            self.low, (((self.reached - 1) >> matches.BUCKET_BITS) + 1 - buckets) << matches.BUCKET_BITS
        )

    def _read_on(self) -> Iterator[list[Hit]]:
        step = READ_FIRST
        least = self.below - READ_ON_MOST
        while self.reached > max(self.low, least) and self.expected(1) >= READ_SHARE:
            step = min(2 * step, READ_MOST)
            yield self._read_down(step)

    def _read_down(self, messages: int) -> list[Hit]:
        """The matches among so many messages more, of those who are sought."""
        with self.budget.limit():
            floor = max(self.low, matches.nth_below(self.reached, messages) or self.low)
            hits = matches.read(self.sought, low=floor, below=self.reached)
            found = matches.wanted(self.sought, hits)
        self.matched += len(hits)
        self.reached = floor
        return found

    @property
    def _is_narrowed(self) -> bool:
        if self.sought.each == "conversation_id":
            return self.sought.conversations is not None
        return self.sought.people is not None

    def _of_few(self) -> list[Hit] | None:
        few = self._of_few_people if self.sought.each == "chat_user_id" else self._of_few_conversations
        return few()

    def _of_few_conversations(self) -> list[Hit] | None:
        """The same of conversations, which are short."""
        assert self.sought.conversations is not None
        people = living() if self.sought.people is None else self.sought.people
        try:
            with self.budget.part(2 * FEW_SECONDS).limit():
                few = list(
                    self.sought.conversations.order_by().values_list("pk", "chat_user")[: FEW_PEOPLE + 1]
                )
                if len(few) > FEW_PEOPLE:
                    return None
                owners = {owner for _pk, owner in few} - set(self.sought.without)
                wanted = set(people.filter(pk__in=owners).order_by().values_list("pk", flat=True))
                ids = [pk for pk, owner in few if owner in wanted]
                hits = matches.of_each(self.sought, ids, low=self.low, below=self.reached)
        except OverBudget:
            return None
        return sorted(hits, reverse=True)

    def _of_few_people(self) -> list[Hit] | None:
        """The newest match of each, where the people are so few that their own histories are the shorter way."""
        assert self.sought.people is not None
        few = self.sought.people.order_by().values_list("pk", "message_count")[: FEW_PEOPLE + 1]
        try:
            with self.budget.part(FEW_SECONDS).limit():
                counted = dict(few)
        except OverBudget:
            return None
        rarity = 1 / self.expected(1)
        by_person = sum(min(said, rarity) for said in counted.values())
        if len(counted) > FEW_PEOPLE or by_person > self.expected(self.reached - self.low):
            return None
        with self.budget.limit():
            hits = matches.of_each(self.sought, list(counted), low=self.low, below=self.reached)
        return sorted(hits, reverse=True)
