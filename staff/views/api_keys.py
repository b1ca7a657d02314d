"""The page of keys for programs: which there are, a new one, and the end of one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chatadmin.lib.paging import BadCursor, Cursor
from staff import api_keys
from staff.access import account_of, requires
from staff.forms import ApiKeyForm
from staff.models import ApiKey


@requires("keys.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """GET /api-keys/: all keys. POST `name`, `scopes`: a new one, shown this once."""
    if request.method != "POST":
        return _page(request)
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, form=form)
    key, text = api_keys.make_key(actor=account_of(request), **form.cleaned_data)
    return _page(request, made=key, text=text)


@requires("keys.manage")
@require_POST
def revoke(request: HttpRequest, key: int) -> HttpResponse:
    """POST /api-keys/<id>/revoke/."""
    try:
        revoked = api_keys.revoke_key(actor=account_of(request), key_id=key)
    except (ApiKey.DoesNotExist, OverflowError):
        raise Http404 from None
    messages.success(request, _("The key %(key)s is revoked: it opens nothing.") % {"key": revoked.prefix})
    return HttpResponseRedirect(reverse("api_keys"))


def _page(request: HttpRequest, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    edges = {name: _cursor(request.GET.get(name, "")) for name in ("after", "before")}
    page = api_keys.keys_page(**edges)
    context = {"keys": page.rows, "after": page.after, "before": page.before, "form": ApiKeyForm()}
    return render(request, "staff/api_keys.html", context | more, status=status)


def _cursor(text: str) -> Cursor | None:
    """Where the list goes on; from the top where the address says nothing that it understands."""
    try:
        return api_keys.NEWEST.decode(text) if text else None
    except BadCursor:
        return None
