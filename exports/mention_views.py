"""Where other people's messages name a person: found, and redacted one by one or a page at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from conversations.models import Message
from conversations.redacting import Kept, redact
from conversations.writing import Gone
from exports.mentions import PAGE_SIZE, clean, mentions_of, needles_of
from staff.access import account_of
from staff.models import Account
from users.frame import of_person, unkept
from users.models import ChatUser
from users.queries import people

MOST_ID = 2**63 - 1
# What came of one message.
CHANGED, KEPT, NOTHING, GONE = "changed", "kept", "nothing", "gone"


class BelowForm(forms.Form):
    """Which page."""

    below = forms.IntegerField(required=False, min_value=-MOST_ID, max_value=MOST_ID)


class MessagesField(forms.Field):
    """The numbers of at most a page of messages."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: list[str] | None) -> list[int]:
        texts = list(dict.fromkeys(value or []))
        if not 0 < len(texts) <= PAGE_SIZE:
            raise ValidationError("messages")
        number = forms.IntegerField(min_value=-MOST_ID, max_value=MOST_ID)
        return [number.clean(text) for text in texts]


class RedactForm(forms.Form):
    """Which messages; the texts that go are the person's own, whatever is posted."""

    message = MessagesField()
    below = forms.IntegerField(required=False, min_value=-MOST_ID, max_value=MOST_ID)


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.erase")
def mentions(request: HttpRequest, person: ChatUser) -> HttpResponseBase:
    """GET: a page of them, newest first. POST `message=<id>` (repeated): takes what is the person's out of
    those messages."""
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
    took_out = functools.partial(clean, needles_of(person))
    asked, actor = form.cleaned_data["message"], account_of(request)
    outcomes = [_outcome(message, took_out, actor) for message in asked]
    if len(asked) == 1:
        if outcomes == [GONE]:
            raise Http404
        _say_of_one(request, outcomes[0])
    else:
        _say_of_many(request, outcomes)
    below = form.cleaned_data["below"]
    address = f"/users/{person.uuid}/mentions/"
    return redirect(f"{address}?below={below}" if below is not None else address)


def _outcome(message: int, took_out: Callable[[str], str], actor: Account) -> str:
    """Redacts one message, with a line of its own in the audit log. Returns what came of it."""
    try:
        return CHANGED if redact(message_id=message, clean=took_out, actor=actor) else NOTHING
    except Kept:
        return KEPT
    except (Message.DoesNotExist, Gone):
        return GONE


def _say_of_one(request: HttpRequest, outcome: str) -> None:
    if outcome == KEPT:
        messages.error(request, _("A legal hold keeps this message."))
    elif outcome == CHANGED:
        messages.success(request, _("Redacted."))
    else:
        messages.info(request, _("There was nothing of this person in the message any more."))


def _say_of_many(request: HttpRequest, outcomes: list[str]) -> None:
    changed, kept = outcomes.count(CHANGED), outcomes.count(KEPT)
    words = ngettext("{n} message was redacted.", "{n} messages were redacted.", changed).format(n=changed)
    if kept:
        more = ngettext("A legal hold keeps {n}.", "Legal holds keep {n}.", kept).format(n=kept)
        messages.warning(request, f"{words} {more}")
    else:
        messages.success(request, words)
