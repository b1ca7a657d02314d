"""Mails replies that stay unread: one mail a person, with all of theirs, at most one an hour.

What is going out is marked before it goes, under the lock of the person's row: a process that is killed in between
sends nothing twice, and may send one mail never. Where the mail server says no, the mark is taken back.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPNotSupportedError, SMTPRecipientsRefused

import structlog
from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.jobs import is_stopping
from chatadmin.lib.limits import Quota, limits
from chatadmin.lib.paging import Cursor, beyond
from conversations.actions import Gone, locked_person, record_event
from conversations.mail_text import mail_about
from conversations.models import EventKind, Message, Sender
from staff.models import Widget
from users.mail_stops import address_hash, is_stopped
from users.models import ChatUser

log = structlog.get_logger("chatadmin.mail")

WAIT = dt.timedelta(minutes=10)
# Older ones are no news any more: mail may have been off, or the server down.
OLDEST = dt.timedelta(hours=24)
REST = dt.timedelta(hours=1)
# After a mail that the server wouldn't take for now, or ever: the same replies are tried once more while they are news.
LATER, MUCH_LATER = dt.timedelta(minutes=15), dt.timedelta(hours=12)
PER_ADDRESS = Quota(most=10, seconds=86_400)
SHOWN = 10
LOOKED_AT = 1_000
MOST_SECONDS = 10.0


@dataclass(frozen=True)
class Letter:
    """Replies that were marked as mailed at `at`, and are to go out now: the first of them, and how many `more`."""

    person: ChatUser
    replies: list[Message]
    more: int
    address: str
    at: dt.datetime


def missing() -> list[str]:
    """The settings without which no reply can be mailed, of those that aren't set."""
    return [*([] if settings.MAIL_ON else ["EMAIL_URL"]), *([] if settings.PUBLIC_URL else ["PUBLIC_URL"])]


def unmailed() -> QuerySet[Message]:
    """Replies that neither were read nor mailed; not imported ones, whose ids are below zero."""
    return Message.objects.filter(sender=Sender.STAFF, read_at=None, mailed_at=None, id__gt=0)


def unmailed_of(person: ChatUser, now: dt.datetime) -> QuerySet[Message]:
    """Those of one person that are not too old to be mailed, oldest first."""
    return unmailed().filter(chat_user=person, created_at__gt=now - OLDEST).order_by("created_at", "id")


def mail_unread(now: dt.datetime | None = None) -> int:
    """Mails what has waited for 10 minutes. Returns how many mails went out.

    People are not tied to a widget: one that promises mail is enough. Stops after 10 s, where the mail server can't be
    reached, and between two mails where the process stops; the next call goes on.
    """
    widget = None if missing() else Widget.objects.filter(mail_replies=True).order_by("pk").first()
    if widget is None:
        return 0
    now = now or timezone.now()
    ends = time.monotonic() + MOST_SECONDS
    connection = get_connection()
    sent = 0
    try:
        for person_id in waiting(now):
            # Before anything is marked: a server that is down costs nobody their mail.
            connection.open()
            if is_stopping():
                break
            letter = _claim(person_id, now)
            sent += letter is not None and _send(letter, widget, connection)
            if time.monotonic() > ends:
                break
    except OSError as error:
        log.warning("mail.unreachable", error=type(error).__name__)
    finally:
        _close(connection)
    if sent:
        log.info("mail.sent", count=sent)
    return sent


def waiting(now: dt.datetime) -> Iterator[int]:
    """The ids of people who may be mailed about a reply that has waited, whoever waits longest first."""
    replies = unmailed().filter(created_at__lte=now - WAIT).order_by("created_at", "id")
    edge = Cursor(now - OLDEST, 0)
    while True:
        rows = replies.filter(beyond("created_at", edge, descending=False))
        page = list(rows.values_list("created_at", "id", "chat_user")[:LOOKED_AT])
        people = dict.fromkeys(person for _, _, person in page)
        may = ChatUser.objects.filter(_rested(now), pk__in=people, erased_at=None, blocked_at=None)
        found = set(may.exclude(email="").values_list("pk", flat=True))
        yield from (person for person in people if person in found)
        if len(page) < LOOKED_AT:
            return
        edge = Cursor(page[-1][0], page[-1][1])


def _rested(now: dt.datetime) -> Q:
    return Q(mail_again_at=None) | Q(mail_again_at__lte=now)


def _claim(person_id: int, now: dt.datetime) -> Letter | None:
    """Looks again under the lock, and marks the replies as mailed. None where nothing is to go out, or not now."""
    with transaction.atomic():
        try:
            person = locked_person(person_id)
        except Gone:
            return None
        if not person.email or person.blocked_at or (person.mail_again_at and person.mail_again_at > now):
            return None
        replies = unmailed_of(person, now)
        first = list(replies.defer("tokens")[:SHOWN])
        if not first or first[0].created_at > now - WAIT:
            return None
        more = replies.count() - len(first)
        address = address_hash(person.email)
        goes = _has_written(person) and not is_stopped(address) and _within_quota(address)
        if goes:
            replies.order_by().update(mailed_at=now)
        person.mail_again_at = now + REST
        person.save(update_fields=["mail_again_at"])
    return Letter(person, first, more, address, now) if goes else None


def _has_written(person: ChatUser) -> bool:
    """Whether they ever wrote here: nobody is mailed who only was written to, or imported."""
    return Message.objects.filter(chat_user=person, sender=Sender.VISITOR, id__gt=0).exists()


def _within_quota(address: str) -> bool:
    """Counts a mail to an address, which any number of people may have given; one that doesn't go counts nothing."""
    if limits().count(_quota_of(address), PER_ADDRESS):
        return True
    limits().uncount(_quota_of(address))
    return False


def _quota_of(address: str) -> str:
    return f"mail:{address}"


def _send(letter: Letter, widget: Widget, connection: BaseEmailBackend) -> bool:
    """Sends what was marked. Where the server refuses this mail, or it can't be one, the mark is taken back, for later.

    So it is for any other failure, which is raised: OSError where it is the server's.
    """
    try:
        mail = mail_about(
            letter.person, letter.replies, more=letter.more, address=letter.address, widget=widget
        )
        connection.send_messages([mail])
    except (SMTPRecipientsRefused, SMTPDataError, SMTPNotSupportedError, ValueError) as error:
        _take_back(letter, MUCH_LATER if _is_final(error) else LATER)
        log.warning("mail.refused", error=type(error).__name__)
        return False
    except Exception:
        _take_back(letter, LATER)
        raise
    _record(letter)
    return True


def _is_final(error: Exception) -> bool:
    if isinstance(error, SMTPDataError):
        return error.smtp_code >= 500
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return True


def _take_back(letter: Letter, rest: dt.timedelta) -> None:
    limits().uncount(_quota_of(letter.address))
    with transaction.atomic():
        try:
            person = locked_person(letter.person.pk)
        except Gone:
            return
        Message.objects.filter(chat_user=person, mailed_at=letter.at).update(mailed_at=None)
        person.mail_again_at = letter.at + rest
        person.save(update_fields=["mail_again_at"])


def _record(letter: Letter) -> None:
    with transaction.atomic():
        try:
            person = locked_person(letter.person.pk)
        except Gone:
            return
        record_event(
            person=person, kind=EventKind.MAILED, data={"replies": len(letter.replies) + letter.more}
        )
        marked = Message.objects.filter(chat_user=person, mailed_at=letter.at)
        ids = marked.aggregate(first=Min("pk"), up_to=Max("pk"))
        announce(Event("message.mailed", str(person.uuid), ids))


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except OSError as error:
        log.warning("mail.unreachable", error=type(error).__name__)
