"""People's own requests as staff see them: what is due, everyone who claims the address, and what is decided."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversations.mailing import missing
from exports import requests
from exports.models import Claim, Reason, Refusal, Request
from exports.privacy_form import is_open, set_open
from exports.request_forms import DONE, OPEN, DecisionForm, OpenForm, QueueForm
from staff.access import account_of, requires
from users.forms import CursorForm
from users.frame import UNPROCESSABLE, unkept

CONFLICT = 409


@requires("requests.manage")
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """GET /requests/?state=open|closed: what is to be decided, by its due day; or what was, newest first."""
    undecided = QueueForm(request.GET).is_open()
    order = requests.OPEN_ORDER if undecided else requests.CLOSED_ORDER
    page = requests.claims_page(is_open=undecided, **CursorForm(request.GET, order=order).edges())
    state = OPEN if undecided else DONE
    context = {
        "page": page,
        "is_open": undecided,
        "missing": missing(),
        "form_is_open": is_open(),
        "next": f"?{urlencode({'state': state, 'after': page.after})}" if page.after else "",
        "previous": f"?{urlencode({'state': state, 'before': page.before})}" if page.before else "",
    }
    return unkept(render(request, "exports/requests.html", context))


@requires("requests.manage")
@require_POST
def public_form(request: HttpRequest) -> HttpResponse:
    """POST /requests/form/ `public=yes|no`: opens the public page, or closes it."""
    form = OpenForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=UNPROCESSABLE)
    on = form.cleaned_data["public"] == "yes"
    set_open(on=on, actor=account_of(request))
    messages.success(request, _("People can ask there now.") if on else _("The public form is closed."))
    return HttpResponseRedirect(reverse("requests"))


@requires("requests.manage")
@require_safe
def one(request: HttpRequest, asked: uuid.UUID) -> HttpResponse:
    """GET /requests/<id>/: everyone whom it is about, and what can be done for each."""
    return _page(request, get_object_or_404(Request, pk=asked))


@requires("requests.manage")
@require_POST
def decide(request: HttpRequest, asked: uuid.UUID, claim: int) -> HttpResponse:
    """POST /requests/<id>/<claim>/ `do=handed_over|refuse|nothing_held`, `code`: decides for one person."""
    about = get_object_or_404(Request, pk=asked)
    get_object_or_404(Claim, pk=claim, request=about)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, about, UNPROCESSABLE, form=form, form_of=claim)
    actor, do = account_of(request), form.cleaned_data["do"]
    try:
        if do == "refuse":
            requests.refuse(actor=actor, claim_id=claim, code=form.cleaned_data["code"])
        elif do == "handed_over":
            requests.hand_over(actor=actor, claim_id=claim)
        else:
            requests.close_empty(actor=actor, claim_id=claim)
    except requests.Unfitting:
        form.add_error("do", _("That can't be done for this one."))
        return _page(request, about, UNPROCESSABLE, form=form, form_of=claim)
    except (requests.Closed, Claim.DoesNotExist):
        return _page(
            request, about, CONFLICT, problem=_("Somebody decided this meanwhile. This is how it is now.")
        )
    messages.success(request, _("Noted."))
    return HttpResponseRedirect(reverse("request", args=[asked]))


def _page(request: HttpRequest, about: Request, status: int = 200, **more: Any) -> HttpResponse:
    prefill = urlencode({"reason": Reason.SUBJECT_REQUEST.value, "ticket": about.reference})
    claims = requests.claims_of(about)
    context = {
        "about": about,
        "claims": claims,
        "others": requests.others_claiming(claims),
        "prefill": prefill,
        "refusals": Refusal.choices,
    }
    return unkept(render(request, "exports/request.html", context | more, status=status))
