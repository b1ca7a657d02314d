"""The pages on which many people are erased: asked, counted, started, watched, stopped."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chatadmin.lib.budget import OverBudget
from chatadmin.lib.models import Job
from exports import approvals, erasures_bulk
from exports.erasures_bulk import Batch, batch_of
from exports.erasures_bulk_forms import PeopleForm, StartForm, StopForm
from search.bulk_forms import CarryForm
from search.queries import TooMany, every_id
from staff.access import account_of, requires
from staff.policy import erasure_needs_second
from users.frame import unkept
from users.queries import living

UNPROCESSABLE = 422


@requires("users.erase")
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """POST /erasures/bulk/: to the page that counts what goes, before anything does."""
    if request.method != "POST":
        return redirect("user_list")
    form = PeopleForm(request.POST, account=account_of(request))
    ids = _ids(form) if form.is_valid() else []
    if not ids:
        query = CarryForm(request.POST).carried()["query"]
        context = {"form": form, "back": _list_address(query)}
        return unkept(render(request, "exports/erasures_refused.html", context, status=UNPROCESSABLE))
    job = erasures_bulk.propose(ids=ids, actor=account_of(request))
    return redirect(_address(job.pk, form.cleaned_data["query"]))


def _ids(form: PeopleForm) -> list[int]:
    """Their ids; none with an error in the form where there is nobody, or too many."""
    given, ids, words = form.cleaned_data, [], ""
    try:
        if given["all"]:
            ids = every_id(given["filters"], erasures_bulk.MOST_PEOPLE)
        else:
            ids = list(living().filter(uuid__in=given["user"]).values_list("pk", flat=True))
    except TooMany:
        words = _("These are more than {most} people. Narrow the search and do it in parts.").format(
            most=intcomma(erasures_bulk.MOST_PEOPLE)
        )
    except OverBudget:
        words = _("Finding all of them takes too long. Narrow the search, for example by time.")
    if not ids:
        form.add_error("user", words or _("There is nobody there any more."))
    return ids


@requires("users.erase")
@require_http_methods(["GET", "HEAD", "POST"])
def batch(request: HttpRequest, job: uuid.UUID) -> HttpResponse:
    """GET: what would go, how far it is, or what went. POST `do=start|stop`, `confirm`, `reason`, `ticket`."""
    try:
        found = batch_of(job)
    except Job.DoesNotExist as error:
        raise Http404 from error
    if request.method == "POST":
        return _said(request, found)
    query = CarryForm(request.GET).carried()["query"]
    if request.headers.get("HX-Request") == "true":
        if not found.is_open:
            return HttpResponse(headers={"HX-Redirect": _address(job, query)})
        return unkept(render(request, "exports/erasures_bulk_progress.html", _shown(found, query)))
    return _page(request, found, query, StartForm(batch=found))


def _said(request: HttpRequest, found: Batch) -> HttpResponse:
    said = StopForm(request.POST)
    if not said.is_valid():
        return _page(request, found, "", StartForm(request.POST, batch=found), status=UNPROCESSABLE)
    query = said.cleaned_data["query"]
    if said.cleaned_data["do"] == "stop":
        erasures_bulk.stop(job_id=found.job.pk)
        return redirect(_list_address(query) if found.is_proposed else _address(found.job.pk, query))
    if said.cleaned_data["do"] == "approve":
        return _approve(request, found, query)
    form = StartForm(request.POST, batch=found)
    if found.is_proposed and not form.is_valid():
        return _page(request, found, query, form, status=UNPROCESSABLE)
    if found.is_proposed:
        given = {name: form.cleaned_data[name] for name in ("reason", "ticket")}
        erasures_bulk.start(job_id=found.job.pk, actor=account_of(request), **given)
    return redirect(_address(found.job.pk, query))


def _approve(request: HttpRequest, found: Batch, query: str) -> HttpResponse:
    try:
        erasures_bulk.approve(job_id=found.job.pk, actor=account_of(request))
    except approvals.SameAdmin:
        messages.error(request, _("Somebody else has to approve what you asked for."))
    return redirect(_address(found.job.pk, query))


def _page(
    request: HttpRequest, found: Batch, query: str, form: StartForm, *, status: int = 200
) -> HttpResponse:
    template = "exports/erasures_question.html" if found.is_proposed else "exports/erasures_bulk.html"
    is_own = found.job.account_id == account_of(request).pk
    context = {**_shown(found, query), "form": form, "is_own": is_own}
    return unkept(render(request, template, context, status=status))


def _shown(found: Batch, query: str) -> dict[str, Any]:
    return {
        "batch": found,
        "job": found.job,
        "query": query,
        "address": f"/erasures/bulk/{found.job.pk}/",
        "here": _address(found.job.pk, query),
        "back": _list_address(query),
        "needs_second": found.is_proposed and erasure_needs_second(),
    }


def _address(job_id: uuid.UUID, query: str) -> str:
    carried = QueryDict(mutable=True)
    if query:
        carried["query"] = query
    return f"/erasures/bulk/{job_id}/?{carried.urlencode()}" if query else f"/erasures/bulk/{job_id}/"


def _list_address(query: str) -> str:
    return f"/users/?{query}" if query else "/users/"
