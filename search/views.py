"""The user list, and how many people are on it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.views.decorators.http import require_safe

from search import saved
from search.filters import UserFilters
from search.list_page import asked, by_message, shown
from search.queries import find
from search.recording import record_search
from search.stepping import step_of
from search.totals import ShownForm, count_on
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
    found = find(filters)
    if step is None:
        record_search(account, "users.searched", filters, found=found.total, and_more=found.and_more)
    context = {**asked(filters), **shown(filters, found, step), "is_part": is_part}
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


@requires("users.view")
@require_safe
def user_count(request: HttpRequest) -> HttpResponse:
    """GET /users/count/?shown=N with the list's parameters: how many people it has, for a page that shows N of them and
    didn't wait for it."""
    given = ShownForm(request.GET)
    if not given.is_valid():
        raise Http404
    filters = UserFilters(request.GET, queryset=living())
    counted = count_on(filters)
    context = {
        "shown": given.cleaned_data["shown"],
        "total": max(counted.total, given.cleaned_data["shown"]),
        "and_more": counted.and_more,
        "by_message": by_message(filters),
    }
    response = render(request, "search/count.html", context)
    add_never_cache_headers(response)
    return response
