"""The user list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from search.filters import PAGE_SIZE, SCOPES, UserFilters
from search.orders import LABELS
from staff.access import requires
from users import presence
from users.queries import living, people


@dataclass(frozen=True)
class Column:
    """A column's heading: its label, the address that sorts by it, and how the list is sorted by it now."""

    label: str
    address: str
    aria_sort: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: the user list."""
    return redirect("user_list")


@requires("users.view")
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """GET /users/: people, searched, sorted and paged. For htmx only the part that the search changes."""
    filters = UserFilters(request.GET, queryset=living())
    shown = filters.page()
    total = filters.total()
    context: dict[str, Any] = {
        "filters": filters,
        "errors": {name: messages for name, messages in filters.form.errors.items() if name != "__all__"},
        "people": people(shown.rows),
        "total": total,
        "scope": filters.scope,
        "scopes": SCOPES,
        "columns": {name: _column(request, filters.sort, name) for name in LABELS},
        "older": _address(request, after=shown.after) if shown.after else "",
        "newer": _address(request, before=shown.before) if shown.before else "",
        "cleared": "/users/",
        "is_first": not (filters.value("after") or filters.value("before")),
        "page_size": PAGE_SIZE,
    }
    if _wants_part(request):
        response = render(request, "search/results.html", context)
    else:
        context["online_count"] = presence.online_count()
        response = render(request, "search/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    response["Cache-Control"] = "no-store"
    return response


def _wants_part(request: HttpRequest) -> bool:
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def _column(request: HttpRequest, sort: str, name: str) -> Column:
    direction = ""
    if sort.removeprefix("-") == name:
        turned = sort.startswith("-")
        direction = "ascending" if (name == "name") != turned else "descending"
    return Column(
        label=str(LABELS[name]),
        address=_address(request, sort=f"-{name}" if sort == name else name),
        aria_sort=direction,
    )


def _address(request: HttpRequest, **changes: str | None) -> str:
    """This list's address with other paging or sorting."""
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    for name, value in changes.items():
        if value is not None:
            query[name] = value
    return f"/users/?{query.urlencode()}"
