"""How many people a list has, where its page was shown before that was known."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms

from chatadmin.lib.budget import Budget
from search import listing
from search.filters import UserFilters
from search.messages import count_hits
from search.queries import COUNTED, Found, sought_by
from search.stepping import MOST_SHOWN

SECONDS = 0.5


class ShownForm(forms.Form):
    """How many people the page shows."""

    shown = forms.IntegerField(min_value=0, max_value=MOST_SHOWN)


@dataclass(frozen=True)
class Total:
    """People in all: exact where not `and_more`."""

    total: int
    and_more: bool


def is_open(found: Found) -> bool:
    """Whether a page's total is worth counting on: not where the list itself isn't at its end yet."""
    return found.and_more and found.total < COUNTED and found.go_on is None


def count_on(filters: UserFilters) -> Total:
    """The total of the list, up to COUNTED, as far as SECONDS of the database's time go."""
    budget = Budget(SECONDS)
    named, sought = listing.Counted(0, and_more=False), None
    if filters.words is None or filters.place == "any":
        named = listing.count(filters.sieve, most=COUNTED, budget=budget, seconds=SECONDS / 2)
    if filters.words is not None and not named.and_more:
        sought = sought_by(filters, named.ids)
    said, and_more = count_hits(sought, most=COUNTED, budget=budget) if sought else (0, named.and_more)
    total = named.total + said
    return Total(min(total, COUNTED), and_more or total > COUNTED)
