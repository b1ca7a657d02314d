"""The download of the user list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatadmin.lib.budget import OverBudget
from chatadmin.lib.limits import Quota, limits
from exports.download import as_download
from exports.list_forms import ListExportForm
from exports.list_stream import export_list
from exports.stream import File, Form
from search.bulk_forms import CarryForm
from search.everyone import everyone, these
from staff import audit
from staff.access import account_of, requires
from users.frame import unkept

# A list of a million people is a minute of the database's time.
LISTS = Quota(most=20, seconds=600)
UNPROCESSABLE, TOO_MANY = 422, 429


@requires("users.export")
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """POST /exports/list/ with `format`, `query` and maybe `user`: the people whom a list shows, as a file."""
    form = ListExportForm(request.POST, account=account_of(request))
    if not form.is_valid():
        return _refused(request, form, status=UNPROCESSABLE)
    if not limits().count(f"list-export:{account_of(request).pk}", LISTS):
        form.add_error("format", _("That was a lot of lists. Wait ten minutes."))
        return _refused(request, form, status=TOO_MANY)
    try:
        file = _file(form)
    except OverBudget:
        form.add_error("query", _("Finding them takes too long. Narrow the search, for example by time."))
        return _refused(request, form, status=UNPROCESSABLE)
    given = form.cleaned_data
    detail = {
        "format": given["format"],
        "parameters": len(given["filters"].query()),
        "ticked": len(given["user"]),
    }
    audit.record(actor=account_of(request), verb="list.exported", detail=detail)
    return as_download(request, file)


def _file(form: ListExportForm) -> File:
    given = form.cleaned_data
    filters, ticked = given["filters"], given["user"]
    found = iter([these(filters, ticked)]) if ticked else everyone(filters)
    return export_list(
        found, Form(given["format"]), with_messages=filters.words is not None, at=timezone.now()
    )


def _refused(request: HttpRequest, form: ListExportForm, *, status: int) -> HttpResponse:
    """Why not, and the way back; the same again in a right format where nothing else is wrong."""
    query = CarryForm(request.POST).carried()["query"]
    context: dict[str, Any] = {
        "form": form,
        "again": not {"user", "all", "query"} & form.errors.keys(),
        "people": form["user"].value() or [],
        "everyone": request.POST.get("all") == "yes",
        "query": query,
        "back": f"/users/?{query}" if query else "/users/",
    }
    return unkept(render(request, "exports/list_refused.html", context, status=status))
