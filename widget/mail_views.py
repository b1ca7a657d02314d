"""Stopping mails about replies, by the link in each of them."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from staff.models import Widget
from users import mail_stops
from widget.forms import MailStopForm


@csrf_exempt  # the link itself is the proof, and mail programs post to it without a cookie (RFC 8058)
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """GET, POST /mail/stop/<token>/: GET asks, for programs open every link of a mail; POST stops, or `action=resume`.

    404 for a link that never was.
    """
    address = mail_stops.address_of(token)
    if address is None:
        return _page(request, {"known": False}, HTTPStatus.NOT_FOUND)
    if request.method == "POST":
        form = MailStopForm(request.POST)
        resumes = form.is_valid() and form.cleaned_data["action"] == "resume"
        (mail_stops.resume if resumes else mail_stops.stop)(address)
    context = {
        "known": True,
        "stopped": mail_stops.is_stopped(address),
        "done": request.method == "POST",
        "title": Widget.objects.order_by("-mail_replies", "pk").values_list("title", flat=True).first() or "",
    }
    return _page(request, context)


def _page(request: HttpRequest, context: dict[str, object], status: int = HTTPStatus.OK) -> HttpResponse:
    response = render(request, "widget/mail_stop.html", context, status=status)
    response["Referrer-Policy"] = "strict-origin"  # the address holds the proof
    response["X-Robots-Tag"] = "noindex"
    return response
