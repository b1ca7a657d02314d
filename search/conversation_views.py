"""The conversation list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.views.decorators.http import require_safe

from conversations.models import Conversation
from search.asking import PLACES, QUERY_CHARS
from search.conversation_filters import ConversationFilters
from search.conversation_queries import Found, find
from search.conversation_rows import rows_of
from search.recording import record_search
from staff.access import account_of, requires


@requires("users.view")
@require_safe
def conversation_list(request: HttpRequest) -> HttpResponse:
    """GET /conversations/: conversations, the unread first. For htmx only the part that a search changes."""
    filters = ConversationFilters(request.GET, queryset=Conversation.objects.none())
    found = find(filters)
    account = account_of(request)
    record_search(account, "conversations.searched", filters, found=found.total, and_more=found.and_more)
    is_part = request.headers.get("HX-Request") == "true"
    template = "search/conversations_part.html" if is_part else "search/conversations.html"
    response = render(request, template, {**_asked(filters), **_found(filters, found)})
    if is_part:
        response["HX-Push-Url"] = filters.address()
    patch_vary_headers(response, ["HX-Request"])
    add_never_cache_headers(response)
    return response


def _asked(filters: ConversationFilters) -> dict[str, Any]:
    words = filters.form["q"].value() or ""
    return {
        "filters": filters,
        "words": words.replace("\x00", "")[:QUERY_CHARS],
        "words_most": QUERY_CHARS,
        "places": PLACES,
        "days": [(filters.form[name], _typed(filters, name)) for name in ("sent_from", "sent_to")],
        "errors": [(filters.form[name], problems) for name, problems in filters.errors.items()],
    }


def _typed(filters: ConversationFilters, name: str) -> str:
    return (filters.data.get(name) or "").replace("\x00", "")[:QUERY_CHARS]


def _found(filters: ConversationFilters, found: Found) -> dict[str, Any]:
    return {
        "rows": rows_of(found.ids, found.hits, filters.words),
        "total": found.total,
        "and_more": found.and_more,
        "older": filters.address(after=found.after) if found.after else "",
        "newer": filters.address(before=found.before) if found.before else "",
        "go_on": filters.address(**dict([found.go_on])) if found.go_on else "",
    }
