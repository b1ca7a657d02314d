"""The user list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.views.decorators.http import require_safe

from search import saved
from search.filters import UserFilters
from search.list_page import asked, shown
from search.queries import find
from search.stepping import step_of
from staff.access import account_of, requires
from users.profile_queries import offered_tags
from users.queries import living


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
    is_part = request.headers.get("HX-Request") == "true"
    step = step_of(request.GET) if is_part else None
    context = {**asked(filters), **shown(filters, find(filters), step), "is_part": is_part}
    context["may_tick"] = account.can("users.organise") or account.can("users.export")
    if step is not None:
        response = render(request, "search/step.html", context)
    elif is_part:
        context["views"] = saved.bar(filters, resolved, views, account)
        response = render(request, "search/part.html", context)
        response["HX-Push-Url"] = filters.address()
    else:
        context["views"] = saved.bar(filters, resolved, views, account)
        context["offered_tags"] = offered_tags()
        response = render(request, "search/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    add_never_cache_headers(response)
    return response
