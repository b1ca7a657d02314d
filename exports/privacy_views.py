"""The public side of a person's own request: asking by e-mail address, and the link that proves the mailbox."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chatadmin.lib.address import client_address, counted_as
from chatadmin.lib.limits import Quota, limits
from exports import request_links, requests
from exports.privacy_form import may_ask
from exports.request_forms import PrivacyForm

PER_ADDRESS = Quota(most=10, seconds=3600)


@csrf_exempt  # anybody may ask in anybody's name: only the mailbox counts, and no cookie is needed
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def privacy(request: HttpRequest) -> HttpResponse:
    """GET /privacy/: the form. POST `kind`, `email`: mails a link; says the same of every address.

    404 while no mail can be sent, and where an admin has closed it.
    """
    if not may_ask():
        return _page(request, "exports/privacy.html", {"off": True}, HTTPStatus.NOT_FOUND)
    form = PrivacyForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, "exports/privacy.html", {"form": form})
    if not form.is_valid():
        return _page(request, "exports/privacy.html", {"form": form}, HTTPStatus.UNPROCESSABLE_ENTITY)
    asker = _asker(request)
    if not limits().count(f"privacy:{asker}", PER_ADDRESS):
        problem = _("That was a lot of requests from your network. Try again in an hour.")
        context = {"form": form, "problem": problem}
        return _page(request, "exports/privacy.html", context, HTTPStatus.TOO_MANY_REQUESTS)
    try:
        request_links.send_link(**form.cleaned_data, asker=asker)
    except request_links.Unreachable:
        problem = _("No mail can be sent at the moment. Try again later.")
        context = {"form": form, "problem": problem}
        return _page(request, "exports/privacy.html", context, HTTPStatus.SERVICE_UNAVAILABLE)
    return _page(request, "exports/privacy.html", {"sent": True})


@csrf_exempt  # the link itself is the proof
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET, POST /privacy/confirm/<token>/: GET asks, for programs open every link of a mail; POST confirms.

    404 for a link that never was, or is older than a day.
    """
    asked = request_links.asked_by(token)
    if asked is None:
        return _page(request, "exports/privacy_confirm.html", {"known": False}, HTTPStatus.NOT_FOUND)
    context: dict[str, Any] = {"known": True, "kind": asked.kind.value}
    if request.method == "POST":
        context["reference"] = requests.confirm(asked).reference
    return _page(request, "exports/privacy_confirm.html", context)


def _asker(request: HttpRequest) -> str:
    meta = request.META
    address = client_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))
    return counted_as(address)


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Referrer-Policy"] = "strict-origin"  # the address may hold the proof
    response["X-Robots-Tag"] = "noindex"
    return response
