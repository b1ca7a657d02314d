"""What a rule would delete: now, and by the calendar in the rest of this month and the next twelve if nobody came back.

Counted row by row up to a bound and within a time; beyond that the numbers are "at least" and the months an estimate.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db.models import Min

from chatadmin.lib.budget import Budget, OverBudget
from exports import periods, retention_due
from exports.retention_models import RetentionRule, What

MONTHS = 12
MOST_ROWS = 50_000
SECONDS = 2.0


@dataclass(frozen=True)
class Month:
    """How much goes from one day on to the end of its month."""

    start: dt.date
    rows: int


@dataclass(frozen=True)
class Forecast:
    """`people`, `rows` and `messages` that go now; the `oldest` of them; what goes month by month after that.

    Of "everything" a row is a person, and `messages` are theirs. `is_partial`: there is more than was counted.
    """

    people: int = 0
    rows: int = 0
    messages: int = 0
    oldest: dt.datetime | None = None
    months: Sequence[Month] = field(default_factory=tuple)
    is_partial: bool = False

    @property
    def tallest(self) -> int:
        """The highest of the months."""
        return max((month.rows for month in self.months), default=0)


def _borders(day: dt.date) -> list[dt.date]:
    """`day`, and the last days of what is left of its month, where there is, and of the next twelve."""
    firsts = [periods.later(day.replace(day=1), months) for months in range(1, MONTHS + 2)]
    lasts = [first - dt.timedelta(days=1) for first in firsts]
    return [day, *(last for last in lasts if last > day)]


# When, whose, how many messages; a column that may be empty isn't where its filter asks for a time.
Rows = Iterable[Any]


def forecast(rule: RetentionRule, day: dt.date | None = None) -> Forecast:
    """What `rule` would delete on `day` (today) and after it, whether it is on or off."""
    day = day or periods.today()
    days = _borders(day)
    cutoffs = [periods.cutoff(rule.amount, rule.unit, one) for one in days]
    for most in (MOST_ROWS, MOST_ROWS // 20):
        try:
            with Budget(SECONDS).limit():
                rows = list(_rows(rule, cutoffs[-1], most + 1))
            return _forecast(rule, rows[:most], days, cutoffs, is_partial=len(rows) > most)
        except OverBudget:
            continue
    return Forecast(is_partial=True)


def _rows(rule: RetentionRule, before: dt.datetime, most: int) -> Rows:
    """When, whose and how many messages: everything that is due before a moment, `most` of it."""
    if rule.what == What.EVERYTHING:
        active, never = retention_due.inactive_walks(rule.whose, before)
        return chain(
            active.values_list("last_active", "pk", "message_count")[:most],
            never.values_list("first_seen", "pk", "message_count")[:most],
        )
    if rule.what == What.MESSAGES:
        said = retention_due.messages(rule.whose, before)
        return [(at, owner, 1) for at, owner in said.values_list("created_at", "chat_user")[:most]]
    if rule.what == What.AUDIT:
        lines = retention_due.audit_lines(before).order_by("at", "pk")
        return [(at, 0, 0) for at in lines.values_list("at", flat=True)[:most]]
    column = retention_due.BY_AGE[rule.what][1]
    aged = retention_due.aged(rule.what, before).filter(retention_due.free(rule.whose, "chat_user__"))
    return [(at, owner, 0) for at, owner in aged.values_list(column, "chat_user")[:most]]


def _forecast(
    rule: RetentionRule,
    rows: Sequence[tuple[dt.datetime, int, int]],
    days: Sequence[dt.date],
    cutoffs: Sequence[dt.datetime],
    *,
    is_partial: bool,
) -> Forecast:
    piles = [0] * len(days)
    people, messages, oldest = set(), 0, None
    for at, owner, said in rows:
        pile = bisect_right(cutoffs, at)
        if pile >= len(days):
            continue
        piles[pile] += 1
        if pile == 0:
            people.update([owner] if owner else [])
            messages += said
            oldest = at if oldest is None else min(oldest, at)
    if is_partial and rule.what == What.MESSAGES:
        talkers = retention_due.talkers(rule.whose, cutoffs[0])
        oldest = talkers.aggregate(first=Min("first_contact"))["first"]
    tomorrow = dt.timedelta(days=1)
    months = [Month(border + tomorrow, count) for border, count in zip(days, piles[1:], strict=False)]
    return Forecast(len(people), piles[0], messages, oldest, months, is_partial)
