"""Who is on the site now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from live import queries
from staff.access import requires
from users.forms import CursorForm


@requires("users.view")
@require_safe
def here(request: HttpRequest) -> HttpResponse:
    """GET /live/: those who are here, newest first, 100 a page."""
    form = CursorForm(request.GET, order=queries.ORDER)
    edges = form.edges()
    shown = queries.here(**edges)
    context = {
        "form": form,
        "rows": shown.rows,
        "most": queries.PAGE_PEOPLE,
        "is_known": shown.is_known,
        "is_first": edges["after"] is None and edges["before"] is None,
        "older": _address("after", shown.after),
        "newer": _address("before", shown.before),
        "go_on": _address(*shown.go_on) if shown.go_on else "",
    }
    response = render(request, "live/here.html", context)
    add_never_cache_headers(response)
    return response


def _address(way: str, cursor: str | None) -> str:
    return f"/live/?{way}={cursor}" if cursor else ""
