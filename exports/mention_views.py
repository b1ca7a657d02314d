"""Where other people's messages name a person: found, and redacted one by one."""

from __future__ import annotations

import functools
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations.models import Message
from conversations.redacting import Kept, redact
from conversations.writing import Gone
from exports.mentions import clean, mentions_of, needles_of
from staff.access import account_of
from users.frame import of_person, unkept
from users.models import ChatUser
from users.queries import people

MOST_ID = 2**63 - 1


class BelowForm(forms.Form):
    """Which page."""

    below = forms.IntegerField(required=False, min_value=-MOST_ID, max_value=MOST_ID)


class RedactForm(forms.Form):
    """Which message; the texts that go are the person's own, whatever is posted."""

    message = forms.IntegerField(min_value=-MOST_ID, max_value=MOST_ID)
    below = forms.IntegerField(required=False, min_value=-MOST_ID, max_value=MOST_ID)


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.erase")
def mentions(request: HttpRequest, person: ChatUser) -> HttpResponseBase:
    """GET: a page of them, newest first. POST `message=<id>`: takes what is the person's out of that message."""
    if request.method == "POST":
        return _redact(request, person)
    form = BelowForm(request.GET)
    below = form.cleaned_data.get("below") if form.is_valid() else None
    found = mentions_of(person, below=below)
    context: dict[str, Any] = {
        "person": people([person])[0],
        "mentions": found,
        "below": below,
        "looked_for": needles_of(person),
    }
    return unkept(render(request, "exports/mentions.html", context))


def _redact(request: HttpRequest, person: ChatUser) -> HttpResponse:
    form = RedactForm(request.POST)
    if not form.is_valid():
        raise Http404
    needles = needles_of(person)
    changed: bool | None
    try:
        changed = redact(
            message_id=form.cleaned_data["message"],
            clean=functools.partial(clean, needles),
            actor=account_of(request),
        )
    except Kept:
        changed = None
    except (Message.DoesNotExist, Gone) as error:
        raise Http404 from error
    if changed is None:
        messages.error(request, _("A legal hold keeps this message."))
    elif changed:
        messages.success(request, _("Redacted."))
    else:
        messages.info(request, _("There was nothing of this person in the message any more."))
    below = form.cleaned_data["below"]
    address = f"/users/{person.uuid}/mentions/"
    return redirect(f"{address}?below={below}" if below is not None else address)
