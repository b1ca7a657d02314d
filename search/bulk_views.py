"""The pages on which the same is done to many people: asked, counted, started, watched, stopped."""

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
from chatadmin.lib.models import Job, JobState
from search import bulk, bulk_words
from search.bulk_forms import BulkForm, CarryForm, StartForm
from search.bulk_queries import Bulk, bulk_of
from search.queries import TooMany, every_id
from staff.access import account_of, requires
from users.queries import living

UNPROCESSABLE = 422


@requires("users.organise")
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """POST /users/bulk/: to the page that says how many people it is, before anything is done."""
    if request.method != "POST":
        return redirect("user_list")
    form = BulkForm(request.POST, account=account_of(request))
    job = _proposed(request, form) if form.is_valid() else None
    if job is None:
        return _refused(request, form)
    given = form.cleaned_data
    new_tag = given["tag"] if given["action"].of_tags and given["known"] is None else ""
    return redirect(_address(job.pk, tag=new_tag, query=given["query"]))


def _proposed(request: HttpRequest, form: BulkForm) -> Job | None:
    """The proposal; None with an error in the form where there can be none."""
    given = form.cleaned_data
    try:
        ids = _ids(given)
    except TooMany:
        words = _(
            "These are more than {most} people. Narrow the search, for example by time, and do it in parts."
        )
        form.add_error("user", words.format(most=intcomma(bulk.MOST_PEOPLE)))
        return None
    except OverBudget:
        form.add_error(
            "user", _("Finding all of them takes too long. Narrow the search, for example by time.")
        )
        return None
    if not ids:
        form.add_error("user", _("There is nobody there any more."))
        return None
    return bulk.propose(action=given["action"], tag=given["known"], ids=ids, actor=account_of(request))


def _ids(given: dict[str, Any]) -> list[int]:
    if given["all"]:
        return every_id(given["filters"], bulk.MOST_PEOPLE)
    return list(living().filter(uuid__in=given["user"]).values_list("pk", flat=True))


def _refused(request: HttpRequest, form: BulkForm) -> HttpResponse:
    """What was posted, with an error by each field that can't be taken, to be put right and posted again."""
    carry = CarryForm({"query": request.POST.get("query", "")}).carried()
    context = {
        "form": form,
        "people": form["user"].value() or [],
        "everyone": request.POST.get("all") == "yes",
        "query": carry["query"],
        "back": _list_address(carry["query"]),
    }
    return render(request, "search/bulk_refused.html", context, status=UNPROCESSABLE)


@requires("users.organise")
@require_http_methods(["GET", "HEAD", "POST"])
def job(request: HttpRequest, job: uuid.UUID) -> HttpResponse:
    """GET: what would be done, how far it is, or what was. POST `do=start|stop`."""
    try:
        found = bulk_of(job, account_of(request))
    except Job.DoesNotExist as error:
        raise Http404 from error
    if request.method == "POST":
        return _said(request, found)
    carry = CarryForm(request.GET).carried()
    if request.headers.get("HX-Request") == "true":
        return _progress(request, found, carry)
    return _page(request, found, carry)


def _said(request: HttpRequest, found: Bulk) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        return _page(request, found, CarryForm(request.POST).carried(), form=form)
    given = form.cleaned_data
    if given["do"] == "stop":
        bulk.stop(job_id=found.job.pk)
        return redirect(_list_address(given["query"]) if found.is_proposed else _own(found, given))
    if found.is_proposed and found.needs_tag and not given["tag"]:
        form.add_error("tag", _("Name one tag."))
        return _page(request, found, given, form=form)
    try:
        bulk.start(job_id=found.job.pk, new_tag=given["tag"])
    except bulk.TagGone:
        form.add_error("do", _("The tag was deleted meanwhile. Nothing was changed."))
        return _page(request, found, given, form=form)
    now = bulk_of(found.job.pk, account_of(request))
    if now.job.total <= bulk.AT_ONCE and now.job.state == JobState.DONE and found.is_proposed:
        messages.success(request, bulk_words.message(now))
        return redirect(_list_address(given["query"]))
    return redirect(_own(now, given))


def _page(
    request: HttpRequest, found: Bulk, carry: dict[str, str], *, form: StartForm | None = None
) -> HttpResponse:
    context = {**_shown(found, carry), "form": form}
    template = "search/bulk_question.html" if found.is_proposed else "search/bulk_job.html"
    return render(request, template, context, status=UNPROCESSABLE if form else 200)


def _progress(request: HttpRequest, found: Bulk, carry: dict[str, str]) -> HttpResponse:
    """The part of the page that moves; once it moves no more, the page itself says what happened."""
    if found.job.is_open:
        return render(request, "search/bulk_progress.html", _shown(found, carry))
    return HttpResponse(headers={"HX-Redirect": _own(found, carry)})


def _shown(found: Bulk, carry: dict[str, str]) -> dict[str, Any]:
    tag, query = carry.get("tag", ""), carry.get("query", "")
    return {
        "bulk": found,
        "job": found.job,
        "words": {
            "question": bulk_words.question(found, tag),
            "already": bulk_words.already(found),
            "button": bulk_words.button(found),
            "heading": bulk_words.heading(found),
            "passed_over": bulk_words.passed_over(found),
        },
        "tag": tag,
        "query": query,
        "address": f"/users/bulk/{found.job.pk}/",
        "here": _address(found.job.pk, query=query),
        "back": _list_address(query),
    }


def _own(found: Bulk, given: dict[str, str]) -> str:
    return _address(found.job.pk, query=given.get("query", ""))


def _address(job_id: uuid.UUID, **carried: str) -> str:
    """The job's page; its row holds no words, so what it needs of them is in its address."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in carried.items() if value})
    return f"/users/bulk/{job_id}/?{query.urlencode()}" if query else f"/users/bulk/{job_id}/"


def _list_address(query: str) -> str:
    return f"/users/?{query}" if query else "/users/"
