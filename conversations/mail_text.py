"""What a mail about unread replies says. Nothing in it is a visitor's own: whoever gives somebody else's address must
not choose what that one reads. Of the page where they say they are only the site is told, where it is one of ours.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from conversations.models import ActivityEvent, EventKind, Message
from conversations.shown import file_of, web_address
from staff.models import OWN_ORIGIN, Widget
from users.mail_stops import stop_token
from users.models import ChatUser

REPLY_CHARS = 1_000
NAME_CHARS = 100
# Line ends and other controls, and what turns the direction of text.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Said:
    """A reply as the mail shows it."""

    author: str
    at: dt.datetime
    text: str
    is_cut: bool
    file: str
    address: str


def mail_about(
    person: ChatUser, replies: Sequence[Message], *, more: int, address: str, widget: Widget
) -> EmailMessage:
    """The mail with these replies, oldest first, and `more` that it only counts. `address` is the hash of theirs."""
    title = _line(widget.title)
    link = f"{settings.PUBLIC_URL}/mail/stop/{stop_token(address)}/"
    context = {
        "title": title,
        "replies": [_said(message) for message in replies],
        "count": len(replies) + more,
        "more": more,
        "page": site_of(person),
        "stop_link": link,
    }
    headers = {
        # The same for the same replies: a server that gets them again after a failure may drop them.
        "Message-ID": f"<{_number(person, replies)}@{_mail_host()}>",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    subject = _("%(title)s: a reply to your message") % {"title": title}
    body = render_to_string("conversations/reply_mail.txt", context)
    return EmailMessage(subject, body, to=[person.email], headers=headers)


def site_of(person: ChatUser) -> str:
    """The first page of the site on which they were last, if a widget may be embedded there; else ""."""
    kinds = (EventKind.PAGE, EventKind.VISIT, EventKind.FIRST_VISIT)
    events = ActivityEvent.objects.filter(chat_user=person, kind__in=kinds)
    last = events.order_by("-at", "-id").values_list("data", flat=True).first()
    url = web_address(last.get("url")) if isinstance(last, dict) else ""
    return _allowed(url, _sites()) if url else ""


def _allowed(url: str, sites: Iterable[str]) -> str:
    parts = urlsplit(url)
    # No more than that: where they are is what their browser says, and a path is a text.
    site = f"{parts.scheme}://{parts.netloc}".lower()
    return f"{site}/" if site in sites else ""


def _sites() -> set[str]:
    lists = [settings.WIDGET_ORIGINS, *Widget.objects.values_list("allowed_origins", flat=True)]
    named = {site.rstrip("/").lower() for sites in lists for site in sites}
    return {settings.PUBLIC_URL if site == OWN_ORIGIN else site for site in named}


def _said(message: Message) -> Said:
    file = file_of(message.data)
    return Said(
        author=_line(message.author_name)[:NAME_CHARS] or str(message.get_sender_display()),
        at=message.created_at,
        text=message.body[:REPLY_CHARS].strip(),
        is_cut=len(message.body) > REPLY_CHARS,
        file=file.name,
        address=file.address,
    )


def _number(person: ChatUser, replies: Sequence[Message]) -> str:
    named = " ".join(str(message.pk) for message in replies)
    text = f"{settings.SECRET_KEY} mail {person.uuid} {named}"
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _mail_host() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def _line(text: str) -> str:
    """`text` on one line, without what could begin another header."""
    return " ".join(_CONTROLS.sub(" ", text).split())
