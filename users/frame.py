"""The profile's frame: who this is, what staff noted, and the tabs. Every tab's page stands in it."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from staff import audit
from staff.access import account_of, requires
from users import profile_queries
from users.actions import Gone
from users.mail_stops import address_hash, is_stopped
from users.models import ChatUser
from users.queries import people, person_by_uuid

ViewOfPerson = Callable[..., HttpResponseBase]

TRAIT_CHARS = 500
TRAITS_SHOWN = 100
UNPROCESSABLE = 422


@dataclass(frozen=True)
class Tab:
    """One tab: its name in addresses, what it is called, where it leads, whether it is the one shown."""

    name: str
    label: str
    address: str
    current: bool


def profile_of(person: uuid.UUID) -> ChatUser:
    """The living person of that uuid. Raises Http404."""
    try:
        return person_by_uuid(person)
    except ChatUser.DoesNotExist as error:
        raise Http404 from error


def of_person(permission: str) -> Callable[[ViewOfPerson], ViewOfPerson]:
    """A view of one living person, for those with `permission`: it gets the ChatUser instead of the uuid.

    An unknown or erased person is a 404, one erased while the view works too.
    """

    def wrap(view: ViewOfPerson) -> ViewOfPerson:
        @requires(permission)
        @functools.wraps(view)
        def found(request: HttpRequest, person: uuid.UUID, **rest: Any) -> HttpResponseBase:
            try:
                return view(request, profile_of(person), **rest)
            except Gone as error:
                raise Http404 from error

        return found

    return wrap


def tab_address(chat_user: ChatUser, tab: str) -> str:
    """Where a tab is; the profile's own address shows the conversations."""
    own = chat_user.get_absolute_url()
    return f"{own}{tab}/" if tab and tab != "conversations" else own


def tabs(chat_user: ChatUser, current: str) -> list[Tab]:
    """The profile's tabs; `current` is the name of one, or "" on a page that is none of them."""
    labels = {
        "conversations": _("Conversations"),
        "activity": _("Activity"),
        "sessions": _("Sessions"),
        "access": _("Access"),
        "data": _("Data"),
    }
    return [Tab(name, label, tab_address(chat_user, name), name == current) for name, label in labels.items()]


def profile_context(request: HttpRequest, chat_user: ChatUser, *, tab: str) -> dict[str, Any]:
    """What `users/profile_frame.html` needs, in a constant number of queries."""
    notes, more_notes = profile_queries.newest_notes(chat_user)
    return {
        "person": people([chat_user])[0],
        "chat_user": chat_user,
        "network": profile_queries.latest_network(chat_user),
        "tab": tab,
        "tabs": tabs(chat_user, tab),
        "notes": notes,
        "more_notes": more_notes,
        "offered_tags": profile_queries.offered_tags(),
        "traits": traits_shown(chat_user.traits),
        "mail_stopped": wants_no_mail(chat_user),
    }


def wants_no_mail(chat_user: ChatUser) -> bool:
    """Whether mails about replies would go out, and this person's address said stop."""
    return settings.MAIL_ON and bool(chat_user.email) and is_stopped(address_hash(chat_user.email))


def traits_shown(traits: Any) -> list[tuple[str, str]]:
    """Traits as rows of text, cut to a length that a page can show."""
    if not isinstance(traits, dict):
        return []
    rows = list(traits.items())[:TRAITS_SHOWN]
    return [(str(key)[:TRAIT_CHARS], _trait_text(value)[:TRAIT_CHARS]) for key, value in rows]


def _trait_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def page_of(
    request: HttpRequest,
    chat_user: ChatUser,
    template: str,
    context: dict[str, Any],
    *,
    tab: str,
    status: int = 200,
) -> HttpResponse:
    """A page in the frame, its view audited; no cache keeps it."""
    audit.record(actor=account_of(request), verb="user.viewed", person=chat_user.uuid)
    frame = profile_context(request, chat_user, tab=tab)
    return unkept(render(request, template, {**frame, **context}, status=status))


def refused_page(
    request: HttpRequest, chat_user: ChatUser, form: Form, *, title: str, button: str, fields: tuple[str, ...]
) -> HttpResponse:
    """What was posted, with an error by each field that can't be taken, to be put right and posted again."""
    shown = [form[name] for name in fields]
    context = {"form": form, "fields": shown, "title": title, "button": button, "action": request.path}
    return page_of(request, chat_user, "users/refused.html", context, tab="", status=UNPROCESSABLE)


def unkept(response: HttpResponse) -> HttpResponse:
    """The answer, marked so that no cache keeps what may be erased tomorrow."""
    add_never_cache_headers(response)
    return response
