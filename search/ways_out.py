"""Where to from a list without anybody: the same question, asked a little less narrowly."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from search.asking import SENT
from search.chips import without_filters
from search.filters import UserFilters


@dataclass(frozen=True)
class Way:
    """A link out."""

    text: str
    address: str


def ways_out(filters: UserFilters) -> list[Way]:
    """The likeliest first; none of them asks for what was asked already."""
    found = []
    has_words = bool((filters.valid("q") or "").strip())
    is_dated = any(filters.valid(name) for name in SENT)
    if has_words and filters.place in ("name", "email"):
        found.append(Way(_("Look in messages"), filters.address(**{"in": "messages", "sort": None})))
    if has_words and filters.place != "any":
        found.append(Way(_("Look everywhere"), filters.address(**{"in": None})))
    if has_words and is_dated and filters.in_messages:
        found.append(Way(_("Said at any time"), filters.address(**dict.fromkeys(SENT))))
    if filters.is_filtered and has_words:
        found.append(Way(_("Search without filters"), without_filters(filters)))
        found.append(
            Way(_("Filters without the search"), filters.address(**dict.fromkeys(("q", "in", *SENT))))
        )
    return found
