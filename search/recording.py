"""Tells the audit log that somebody searched: by which filters, and how many were found; never for which words."""

from __future__ import annotations

from django.core.cache import cache
from django.core.validators import EMPTY_VALUES

from search.asking import SearchFilters
from staff import audit
from staff.models import Account

# The page searches while somebody types: a line for each letter would say no more, and spell the words by their times.
SECONDS = 60
# Where words are looked for says nothing without words.
UNSAID = {"in"}


def record_search(account: Account, verb: str, filters: SearchFilters, *, found: int, and_more: bool) -> None:
    """Adds a line where anybody is left out: the first of a minute for each account, list and set of filters.

    A list that shows everyone, filtered by nothing, is no search.
    """
    names = used(filters)
    if not names or not cache.add(f"searched:{account.pk}:{verb}:{','.join(names)}", 1, SECONDS):
        return
    detail = {"filters": names, "found": found, "and_more": and_more}
    audit.record(actor=account, verb=verb, detail=detail)


def used(filters: SearchFilters) -> list[str]:
    """The names of the filters that hold, in order."""
    held = {name: filters.valid(name) for name in filters.filters.keys() - UNSAID}
    if not str(held.get("q") or "").strip():
        held.pop("q", None)
    return sorted(name for name, value in held.items() if value not in EMPTY_VALUES)
