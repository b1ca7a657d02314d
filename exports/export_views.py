"""The pages of exports of many people: asked, counted, started, watched, downloaded, deleted."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chatadmin.lib.budget import OverBudget
from exports import export_jobs
from exports.download import file_download
from exports.export_files import path_of
from exports.export_forms import STOP, ManyForm, PageForm, SayForm, StartForm
from exports.export_queries import about_bytes, exports_of, exports_page
from exports.models import Export, ExportState
from exports.stream import Form, LeaveOut
from search.bulk_forms import CarryForm
from search.queries import TooMany, every_id
from staff import audit
from staff.access import account_of, requires
from users.frame import unkept
from users.queries import living

UNPROCESSABLE = 422


@requires("users.export")
@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest) -> HttpResponse:
    """GET /exports/: those there are. POST `query`, `user` or `all`: to the page that says how much it is."""
    if request.method == "POST":
        return _propose(request)
    form = PageForm(request.GET)
    context = {"page": exports_page(account_of(request), **form.edges()), "form": form}
    return unkept(render(request, "exports/exports.html", context))


def _propose(request: HttpRequest) -> HttpResponse:
    form = ManyForm(request.POST, account=account_of(request))
    ids = _ids(form) if form.is_valid() else []
    if not ids:
        query = CarryForm(request.POST).carried()["query"]
        context = {"form": form, "again": False, "back": f"/users/?{query}" if query else "/users/"}
        return unkept(render(request, "exports/list_refused.html", context, status=UNPROCESSABLE))
    export = export_jobs.propose(ids=ids, actor=account_of(request))
    return redirect("export_many", export.pk)


def _ids(form: ManyForm) -> list[int]:
    """Whom it would be of; nobody, with an error in the form, where there can be none."""
    given = form.cleaned_data
    try:
        if given["user"]:
            ids = list(living().filter(uuid__in=given["user"]).values_list("pk", flat=True))
        else:
            ids = every_id(given["filters"], export_jobs.MOST_PEOPLE)
    except TooMany:
        words = _("These are more than {most} people. Narrow the search, for example by time.")
        form.add_error("user", words.format(most=f"{export_jobs.MOST_PEOPLE:,}"))
        return []
    except OverBudget:
        form.add_error("query", _("Finding them takes too long. Narrow the search, for example by time."))
        return []
    if not ids:
        form.add_error("user", _("There is nobody there any more."))
    return ids


@requires("users.export")
@require_http_methods(["GET", "HEAD", "POST"])
def export_many(request: HttpRequest, export: int) -> HttpResponse:
    """GET: what would be exported, how far it is, or the file. POST `do=start` with `format` and `leave_out`, or
    `do=stop`, which also deletes what there is."""
    found = _found(request, export)
    if request.method == "POST":
        return _said(request, found)
    if request.headers.get("HX-Request") == "true":
        if found.is_open:
            return unkept(render(request, "exports/export_progress.html", _shown(found)))
        return HttpResponse(headers={"HX-Redirect": request.path})
    return _page(request, found)


@requires("users.export")
@require_POST
def export_file(request: HttpRequest, export: int) -> HttpResponseBase:
    """The finished file, to whoever may; each download is a line in the log."""
    found = _found(request, export)
    path = path_of(found)
    if found.state != ExportState.DONE or not path.is_file():
        raise Http404
    audit.record(actor=account_of(request), verb="export.downloaded", detail={"export": found.pk})
    name = f"chatadmin-export-{found.pk}-{found.created_at:%Y%m%d}.zip"
    return file_download(request, path, name, "application/zip")


def _found(request: HttpRequest, export: int) -> Export:
    found = exports_of(account_of(request)).filter(pk=export).first()
    if found is None:
        raise Http404
    return found


def _said(request: HttpRequest, found: Export) -> HttpResponse:
    say, form = SayForm(request.POST), StartForm(request.POST)
    if not say.is_valid():
        return _page(request, found, say, status=UNPROCESSABLE)
    if say.cleaned_data["do"] == STOP:
        export_jobs.stop(export_id=found.pk, actor=account_of(request))
        return redirect("exports")
    if not form.is_valid():
        return _page(request, found, form, status=UNPROCESSABLE)
    export_jobs.start(
        export_id=found.pk,
        form=Form(form.cleaned_data["format"]),
        leave_out=[LeaveOut(part) for part in form.cleaned_data["leave_out"]],
        actor=account_of(request),
    )
    return redirect("export_many", found.pk)


def _page(request: HttpRequest, found: Export, form: Any = None, *, status: int = 200) -> HttpResponse:
    context = {**_shown(found), "form": form, "choices": StartForm.base_fields["leave_out"].choices}  # type: ignore[attr-defined]
    return unkept(render(request, "exports/export_many.html", context, status=status))


def _shown(found: Export) -> dict[str, Any]:
    return {"export": found, "about_bytes": about_bytes(found), "states": ExportState}
