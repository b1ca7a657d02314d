"""The pages of erasures: all of them, one with its progress and result, its receipt."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from chatadmin.lib import signatures
from exports import approvals, ledger
from exports.asked_for import asked_alone, asked_together
from exports.erasure_queries import Edge, Shown, erasures
from exports.models import Erasure
from exports.tombstones import Held, NotWaiting
from staff.access import account_of, requires
from users.frame import unkept


class EdgeField(forms.CharField):
    """An edge of a page; what isn't one counts as none."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=60)

    def clean(self, value: Any) -> Edge | None:
        try:
            text = super().clean(value)
            return Edge.read(text) if text else None
        except (ValidationError, ValueError):
            return None


class PageForm(forms.Form):
    """Which page of the list."""

    after = EdgeField()
    before = EdgeField()


@requires("users.erase")
@require_safe
def all_erasures(request: HttpRequest) -> HttpResponse:
    """GET /erasures/: every erasure, newest first."""
    form = PageForm(request.GET)
    form.is_valid()
    page = erasures(after=form.cleaned_data.get("after"), before=form.cleaned_data.get("before"))
    together = asked_together()
    context = {"page": page, "together": together, "asked": asked_alone(together)}
    return unkept(render(request, "exports/erasures.html", context))


class DecisionForm(forms.Form):
    """What a second admin says."""

    do = forms.ChoiceField(choices=[("approve", "approve"), ("refuse", "refuse")])


@requires("users.erase")
@require_http_methods(["GET", "HEAD", "POST"])
def one_erasure(request: HttpRequest, erasure: uuid.UUID) -> HttpResponse:
    """GET /erasures/<id>/: how far it is, then what was done and whether anything is left. POST `do=approve|refuse`
    where it waits for a second admin."""
    shown = _shown(erasure)
    if request.method == "POST":
        return _decide(request, shown)
    if request.headers.get("HX-Request") == "true":
        if not shown.is_open:
            return HttpResponse(headers={"HX-Redirect": request.path})
        return unkept(render(request, "exports/erasure_progress.html", {"erasure": shown}))
    context = {
        "erasure": shown,
        "public_key": _public_key(),
        "person": approvals.person_of(shown.row) if shown.state == "asked" else None,
        "is_own": shown.row.actor_id == account_of(request).pk,
    }
    return unkept(render(request, "exports/erasure.html", context))


def _decide(request: HttpRequest, shown: Shown) -> HttpResponse:
    form, actor, own = DecisionForm(request.POST), account_of(request), {"erasure_id": shown.row.pk}
    try:
        if not form.is_valid():
            messages.error(request, _("Approve it or refuse it."))
        elif form.cleaned_data["do"] == "refuse":
            approvals.refuse(**own, actor=actor)
        else:
            approvals.approve(**own, actor=actor)
    except approvals.SameAdmin:
        messages.error(request, _("Somebody else has to approve what you asked for."))
    except approvals.PersonGone:
        messages.error(
            request,
            _(
                "This person isn't there any more: the request is closed. If they were joined into somebody, what it was"
                " about is with that one now."
            ),
        )
    except NotWaiting:
        messages.error(request, _("This was decided meanwhile."))
    except Held:
        messages.error(request, _("A legal hold keeps everything of this person until it is lifted."))
    except ledger.Unwritable:
        messages.error(request, _("The ledger of erasures can't be written, so nothing was deleted."))
    return redirect(request.path)


@requires("users.erase")
@require_safe
def receipt(request: HttpRequest, erasure: uuid.UUID) -> HttpResponse:
    """GET /erasures/<id>/receipt/: the signed JSON. 404 until it is made."""
    text = _shown(erasure).row.receipt
    if not text:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="erasure-{erasure}.json"'}
    return unkept(HttpResponse(text, content_type="application/json", headers=headers))


def _shown(erasure: uuid.UUID) -> Shown:
    try:
        return Shown(Erasure.objects.get(pk=erasure))
    except Erasure.DoesNotExist as error:
        raise Http404 from error


def _public_key() -> str:
    try:
        return signatures.public_key()
    except signatures.NoKey:
        return ""
