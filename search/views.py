"""The user list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.functional import Promise
from django.views.decorators.http import require_safe

from search import saved
from search.filters import PLACES, QUERY_CHARS, UserFilters
from search.orders import LABELS, ORDERS, turned
from search.queries import Found, Said, find, said
from staff.access import account_of, requires
from users.queries import Person, living, people

# By these the newest come first; the others are just pages.
IN_TIME = {"last_active", "first_contact"}


@dataclass(frozen=True)
class Heading:
    """What a column sorts by: its label, where a click leads, and how the list is sorted by it now."""

    label: str | Promise
    address: str
    aria_sort: str


@dataclass(frozen=True)
class Row:
    """A person, and the message that they were found by."""

    person: Person
    said: Said | None


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: the user list."""
    return redirect("user_list")


@requires("users.view")
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """GET /users/: people, searched, sorted and paged. For htmx only the part that a search changes."""
    account = account_of(request)
    views = saved.visible(account)
    resolved = saved.resolve(request.GET, views)
    filters = UserFilters(resolved.parameters, queryset=living())
    filters.from_view = resolved.view.pk if resolved.view else None
    found = find(filters)
    is_part = request.headers.get("HX-Request") == "true"
    bar = saved.bar(filters, resolved, views, account)
    context = {**_asked(filters), **_found(filters, found), "views": bar, "is_part": is_part}
    response = render(request, "search/part.html" if is_part else "search/list.html", context)
    if is_part:
        response["HX-Push-Url"] = filters.address()
    patch_vary_headers(response, ["HX-Request"])
    add_never_cache_headers(response)
    return response


def _asked(filters: UserFilters) -> dict[str, Any]:
    words = filters.form["q"].value() or ""
    return {
        "filters": filters,
        "words": words.replace("\x00", "")[:QUERY_CHARS],
        "words_most": QUERY_CHARS,
        "places": PLACES,
        "errors": [(filters.form[name], problems) for name, problems in filters.errors.items()],
        "headings": {name: _heading(filters, name) for name in ORDERS},
        "in_time": filters.sort.removeprefix("-") in IN_TIME,
    }


def _found(filters: UserFilters, found: Found) -> dict[str, Any]:
    matches = said(filters, found)
    return {
        "rows": [Row(person, matches.get(person.user.pk)) for person in people(found.rows)],
        "total": found.total,
        "and_more": found.and_more,
        "older": filters.address(after=found.after) if found.after else "",
        "newer": filters.address(before=found.before) if found.before else "",
        "go_on": filters.address(**dict([found.go_on])) if found.go_on else "",
    }


def _heading(filters: UserFilters, name: str) -> Heading:
    is_current = filters.sort.removeprefix("-") == name
    address = filters.address(sort=turned(filters.sort) if is_current else name)
    way = ("descending" if filters.order.descending else "ascending") if is_current else ""
    return Heading(LABELS[name], address, way)
