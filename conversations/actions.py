"""What can happen in a conversation. Each action is one transaction that first locks the person's row.

The lock comes before the insert so that ids of one person's messages commit in order: a client that asks for
everything after the last id that it holds then misses nothing, on PostgreSQL as on SQLite.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.tokens import tokens
from conversations.models import (
    ActivityEvent,
    Conversation,
    EventKind,
    Kind,
    Message,
    Sender,
    Side,
    Status,
)
from staff.models import Account
from users.models import ChatUser

IDLE = dt.timedelta(hours=24)


class Refused(Exception):
    """The person accepts no write."""


class Gone(Refused):
    """The person was erased, or never was."""


class Blocked(Refused):
    """The person was blocked by staff."""


@dataclass(frozen=True)
class NewMessage:
    """A message to be stored. `client_id` is the idempotency key; `author` the member of staff who wrote it."""

    chat_user_id: int
    sender: str
    body: str
    kind: str = Kind.TEXT
    data: dict[str, Any] | None = None
    client_id: uuid.UUID | None = None
    author: Account | None = None
    author_name: str = ""
    created_at: dt.datetime | None = None


@dataclass(frozen=True)
class Stored:
    """A message as it stands in the database, and whether this call put it there."""

    message: Message
    created: bool


def locked_person(chat_user_id: int) -> ChatUser:
    """The person's row, locked until the transaction ends. Raises Gone."""
    person = ChatUser.objects.select_for_update().filter(pk=chat_user_id).first()
    if person is None or person.erased_at is not None:
        raise Gone
    return person


def write_message(item: NewMessage) -> Stored:
    """Stores one message, opens a conversation where none is open, keeps the counters, announces it.

    The only way in for messages. A `client_id` that is known gives the message it made, and writes nothing.
    Raises Gone, and Blocked for a visitor whom staff blocked.
    """
    with transaction.atomic():
        person = locked_person(item.chat_user_id)
        if person.blocked_at is not None and item.sender == Sender.VISITOR:
            raise Blocked
        if item.client_id is not None:
            known = Message.objects.filter(chat_user=person, client_id=item.client_id).first()
            if known is not None:
                return Stored(known, created=False)
        at = item.created_at or timezone.now()
        conversation = _open_conversation(person, at)
        message = Message.objects.create(
            conversation=conversation,
            chat_user=person,
            sender=item.sender,
            kind=item.kind,
            body=item.body,
            data=item.data,
            # Our own notices are not what somebody searches for.
            tokens="" if item.sender == Sender.SYSTEM else tokens(item.body),
            author=item.author,
            author_name=item.author.display_name if item.author else item.author_name,
            client_id=item.client_id,
            created_at=at,
        )
        _count(person, conversation, message)
        announce(Event("message.created", str(person.uuid), {"id": message.pk, "sender": message.sender}))
    return Stored(message, created=True)


awrite_message = database_sync_to_async(write_message)


def _open_conversation(person: ChatUser, at: dt.datetime) -> Conversation:
    conversation = Conversation.objects.filter(chat_user=person, status=Status.OPEN).first()
    if conversation is not None and at - conversation.last_message_at > IDLE:
        _close(conversation, conversation.last_message_at + IDLE)
        announce(Event("conversation.changed", str(person.uuid), {"id": conversation.pk}))
        conversation = None
    if conversation is None:
        conversation = Conversation.objects.create(chat_user=person, started_at=at, last_message_at=at)
    return conversation


def _count(person: ChatUser, conversation: Conversation, message: Message) -> None:
    conversation.last_message_at = max(conversation.last_message_at, message.created_at)
    conversation.started_at = min(conversation.started_at, message.created_at)
    if message.sender != Sender.SYSTEM:
        conversation.turn = Side.STAFF if message.sender == Sender.VISITOR else Side.VISITOR
        person.message_count += 1
        if person.first_contact is None or message.created_at < person.first_contact:
            person.first_contact = message.created_at
    if message.sender == Sender.VISITOR:
        person.unread_count += 1
        conversation.unread_count += 1
        person.last_active = max(filter(None, (person.last_active, message.created_at)))
    conversation.save(update_fields=["started_at", "last_message_at", "turn", "unread_count"])
    person.save(update_fields=["message_count", "unread_count", "first_contact", "last_active"])


def mark_read(*, chat_user_id: int, side: str, up_to: int) -> int:
    """`side` has seen every message of the other side up to that id. Returns how many were unread; announces them.

    Raises Gone, ValueError for what is no side.
    """
    side = Side(side).value
    with transaction.atomic():
        person = locked_person(chat_user_id)
        senders = [Sender.VISITOR] if side == Side.STAFF else [Sender.STAFF, Sender.BOT]
        unread = Message.objects.filter(chat_user=person, sender__in=senders, read_at=None, id__lte=up_to)
        by_conversation: dict[int, int] = {}
        ids = []
        for pk, conversation_id in unread.order_by("id").values_list("id", "conversation_id"):
            ids.append(pk)
            by_conversation[conversation_id] = by_conversation.get(conversation_id, 0) + 1
        if not ids:
            return 0
        now = timezone.now()
        unread.update(read_at=now)
        if side == Side.STAFF:
            for conversation_id, count in by_conversation.items():
                Conversation.objects.filter(pk=conversation_id).update(unread_count=F("unread_count") - count)
            ChatUser.objects.filter(pk=person.pk).update(unread_count=F("unread_count") - len(ids))
        announce(
            Event(
                "message.read",
                str(person.uuid),
                {"side": side, "up_to": ids[-1], "first": ids[0], "at": now.isoformat()},
            )
        )
    return len(ids)


def set_status(*, conversation_id: int, status: str, actor: Account | None) -> Conversation:
    """Opens or closes a conversation, with a system line in the history; the same status again changes nothing.

    Opening one closes the person's other open conversation. Raises Gone, Conversation.DoesNotExist, ValueError for
    what is no status.
    """
    status = Status(status).value
    with transaction.atomic():
        owner = Conversation.objects.values_list("chat_user_id", flat=True).get(pk=conversation_id)
        person = locked_person(owner)
        conversation = Conversation.objects.get(pk=conversation_id)
        if conversation.status == status:
            return conversation
        now = timezone.now()
        if status == Status.OPEN:
            for other in Conversation.objects.filter(chat_user=person, status=Status.OPEN):
                _close(other, now)
                announce(Event("conversation.changed", str(person.uuid), {"id": other.pk}))
            conversation.status, conversation.closed_at = Status.OPEN, None
            # Otherwise the sweep of idle conversations would close it again at once.
            conversation.last_message_at = now
            conversation.save(update_fields=["status", "closed_at", "last_message_at"])
        else:
            _close(conversation, now)
        line = Message.objects.create(
            conversation=conversation,
            chat_user=person,
            sender=Sender.SYSTEM,
            kind=Kind.SYSTEM,
            body="Conversation closed" if status == Status.CLOSED else "Conversation reopened",
            author=actor,
            author_name=actor.display_name if actor else "",
            created_at=now,
        )
        announce(
            Event("conversation.changed", str(person.uuid), {"id": conversation.pk}),
            Event("message.created", str(person.uuid), {"id": line.pk, "sender": line.sender}),
        )
    return conversation


def _close(conversation: Conversation, at: dt.datetime) -> None:
    conversation.status, conversation.closed_at = Status.CLOSED, at
    conversation.save(update_fields=["status", "closed_at"])


def close_idle(now: dt.datetime | None = None, limit: int = 500) -> int:
    """Closes conversations without a message for 24 hours. Returns how many; call again while it is `limit`."""
    now = now or timezone.now()
    idle = Conversation.objects.filter(status=Status.OPEN, last_message_at__lt=now - IDLE)
    closed = 0
    for pk, owner in list(idle.order_by("last_message_at").values_list("pk", "chat_user_id")[:limit]):
        with transaction.atomic():
            person = ChatUser.objects.select_for_update().filter(pk=owner, erased_at=None).first()
            conversation = idle.filter(pk=pk).first()
            if person is None or conversation is None:
                continue
            _close(conversation, conversation.last_message_at + IDLE)
            announce(Event("conversation.changed", str(person.uuid), {"id": pk}))
            closed += 1
    return closed


def record_event(
    *,
    person: ChatUser,
    kind: EventKind | str,
    data: dict[str, Any] | None = None,
    visit_id: int | None = None,
    at: dt.datetime | None = None,
) -> ActivityEvent:
    """Adds to the timeline of `person`, whose row the caller's transaction has locked."""
    event = ActivityEvent.objects.create(
        chat_user=person, visit_id=visit_id, kind=kind, data=data or {}, at=at or timezone.now()
    )
    announce(Event("event.recorded", str(person.uuid), {"id": event.pk}))
    return event
