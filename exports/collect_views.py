"""The page of what is collected about visitors beyond what they write."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exports import collecting
from exports.collect_forms import OFF, OFF_AND_PURGE, ON, PURGE, WORD, CollectForm
from staff.access import account_of, requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("retention.manage")
def collecting_page(request: HttpRequest) -> HttpResponse:
    """GET: each item, whether it is collected and how much is held. POST `item`, `do=on|off|off_and_purge|purge`; the
    last two ask first, and do it with `confirm`, the word that they ask for."""
    if request.method != "POST":
        return _page(request, CollectForm(), HTTPStatus.OK)
    form = CollectForm(request.POST)
    is_valid = form.is_valid()
    if "item" in form.cleaned_data and "do" in form.cleaned_data and (form.asks or "confirm" in form.errors):
        return _question(request, form)
    if not is_valid:
        return _page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    item, do, actor = form.cleaned_data["item"], form.cleaned_data["do"], account_of(request)
    if do in (ON, OFF, OFF_AND_PURGE):
        collecting.switch(item=item, on=do == ON, actor=actor)
    if do in (OFF_AND_PURGE, PURGE):
        collecting.purge(item=item, actor=actor)
        messages.success(request, _("What we have of it is being emptied; it goes on without you."))
    else:
        messages.success(request, _("Saved: it holds from now on."))
    return redirect("collecting")


def _question(request: HttpRequest, form: CollectForm) -> HttpResponse:
    item = form.cleaned_data["item"]
    context = {
        "form": form,
        "item": collecting.Item(item),
        "do": form.cleaned_data["do"],
        "held": collecting.how_many(item),
        "word": WORD,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "exports/collect_question.html", context, status=status)


def _page(request: HttpRequest, form: CollectForm, status: int) -> HttpResponse:
    jobs = [(collecting.Item(job.detail["item"]).label, job) for job in collecting.purges()]
    if request.headers.get("HX-Request") == "true":
        return render(request, "exports/collect_progress.html", {"jobs": jobs})
    context = {"form": form, "standings": collecting.standings(), "jobs": jobs}
    return render(request, "exports/collecting.html", context, status=status)
