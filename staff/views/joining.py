"""Accepting an invitation, by its link."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatadmin.lib.limits import Rate, limits
from staff import actions, queries
from staff.actions.authority import Refused
from staff.forms import JoinForm
from staff.models import InvitationState

ATTEMPTS = Rate(burst=30, per_second=0.2)


def _gently(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Answers 429 to an address that tries one link after the other."""

    @wraps(view)
    def limited(request: HttpRequest, token: str) -> HttpResponse:
        address = get_adapter(request).get_client_ip(request)
        if not limits().take(f"join:{address}", ATTEMPTS):
            return _closed(request, "too_many", HTTPStatus.TOO_MANY_REQUESTS)
        return view(request, token)

    return limited


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@_gently
def join(request: HttpRequest, token: str) -> HttpResponse:
    """GET, POST /team/join/<token>/ `name`, `password`: makes the account and signs in.

    404 for a link that never was, 410 for one that is used, revoked or too old.
    """
    invitation = queries.invitation_of(token)
    if invitation is None:
        return _closed(request, "unknown", HTTPStatus.NOT_FOUND)
    if invitation.state != InvitationState.OPEN:
        return _closed(request, "over", HTTPStatus.GONE)
    if request.user.is_authenticated:
        return _closed(request, "signed_in", HTTPStatus.CONFLICT)
    form = JoinForm(request.POST or None, email=invitation.email)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        context = {"form": form, "invitation": invitation}
        return _unreferred(render(request, "staff/join.html", context, status=status))
    try:
        account = actions.accept_invitation(
            token=token, name=form.cleaned_data["name"], password=form.cleaned_data["password"]
        )
    except Refused:
        return _closed(request, "over", HTTPStatus.GONE)
    get_adapter(request).login(request, account)
    return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)


def _closed(request: HttpRequest, why: str, status: int) -> HttpResponse:
    return _unreferred(render(request, "staff/join_closed.html", {"why": why}, status=status))


def _unreferred(response: HttpResponse) -> HttpResponse:
    # The address holds the secret. With "no-referrer" a browser posts this form as from the origin "null",
    # which the CSRF check refuses; this sends no path to anybody, not even to us.
    response["Referrer-Policy"] = "strict-origin"
    return response
