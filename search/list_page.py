"""What the user list's page shows: what was asked, and who was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from conversations.models import Sender
from search.asking import PLACES, QUERY_CHARS
from search.chips import ORDER, chips, tags_asked, without_filters
from search.filters import UserFilters
from search.orders import LABELS, ORDERS, turned
from search.panel import boxes, tags_typed
from search.queries import Found, Said, said
from search.stepping import StepForm, progress
from search.totals import is_open
from search.ways_out import ways_out
from users.queries import Person, people

# By these the newest come first; the others are just pages.
IN_TIME = {"last_active", "first_contact"}


@dataclass(frozen=True)
class Heading:
    """What a column sorts by: its label, where a click leads ("" where nothing can be sorted), and how the list is
    sorted by it now."""

    label: str | Promise
    address: str
    aria_sort: str


@dataclass(frozen=True)
class Row:
    """A person, and the message that they were found by."""

    person: Person
    said: Said | None

    @property
    def author(self) -> str:
        """Who said it, "" where nothing was searched for."""
        return str(Sender(self.said.message.sender).label) if self.said else ""


def asked(filters: UserFilters) -> dict[str, Any]:
    """The search, the filters, the order: what of it holds, and what can't be used."""
    words = filters.form["q"].value() or ""
    tags = tags_asked(filters)
    on = chips(filters, tags)
    return {
        "filters": filters,
        "words": words.replace("\x00", "")[:QUERY_CHARS],
        "words_most": QUERY_CHARS,
        "places": PLACES,
        "errors": [(filters.form[name], problems) for name, problems in filters.errors.items()],
        "headings": {name: _heading(filters, name) for name in ORDERS},
        "in_time": by_message(filters) or filters.sort.removeprefix("-") in IN_TIME,
        "by_message": by_message(filters),
        "chips": on,
        "chips_on": [chip for chip in on if chip.is_on],
        "without_filters": without_filters(filters),
        "boxes": boxes(filters),
        "tags_asked": tags,
        "tags_typed": tags_typed(filters),
        "is_panel_open": any(name in filters.errors for name in ORDER),
        "query": filters.query().urlencode(),
    }


def shown(filters: UserFilters, found: Found, step: StepForm | None) -> dict[str, Any]:
    """The people of this page, or of this step of it, how many there are, and where it goes on."""
    matches = said(filters, found)
    so_far = progress(filters, found, step)
    return {
        "rows": [Row(person, matches.get(person.user.pk)) for person in people(found.rows)],
        "progress": so_far,
        "total": so_far.total,
        "and_more": so_far.and_more,
        "older": filters.address(after=found.after) if found.after else "",
        # A step shows what comes after the rows that are on the page already.
        "newer": filters.address(before=found.before) if found.before and step is None else "",
        "go_on": filters.address(**dict([found.go_on])) if found.go_on else "",
        "counts_on": is_open(found) and step is None,
        "ways_out": [] if found.rows else ways_out(filters),
    }


def by_message(filters: UserFilters) -> bool:
    """Whether people stand in the order of what they said."""
    return filters.words is not None and filters.place == "messages"


def _heading(filters: UserFilters, name: str) -> Heading:
    if by_message(filters):
        return Heading(LABELS[name], "", "")
    is_current = filters.sort.removeprefix("-") == name
    address = filters.address(sort=turned(filters.sort) if is_current else name)
    way = ("descending" if filters.order.descending else "ascending") if is_current else ""
    return Heading(LABELS[name], address, way)
