"""What can happen in a conversation. Each action is one transaction that first locks the person's row.

The lock comes before the insert so that ids of one person's messages commit in order: a client that asks for
everything after the last id that it holds then misses nothing, on PostgreSQL as on SQLite.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
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
from conversations.writing import (
    IDLE,
    Blocked,
    Gone,
    NewMessage,
    Refused,
    Stored,
    locked_person,
    write_message,
)
from staff.models import Account
from users.models import ChatUser

__all__ = [
    "Blocked",
    "Gone",
    "NewMessage",
    "Refused",
    "Stored",
    "close_idle",
    "locked_person",
    "mark_read",
    "record_event",
    "record_events",
    "set_status",
    "write_message",
]


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
    event = ActivityEvent(
        chat_user=person, visit_id=visit_id, kind=kind, data=data or {}, at=at or timezone.now()
    )
    record_events([event])
    return event


def record_events(events: Sequence[ActivityEvent]) -> None:
    """The same for many, of people whom the caller's transaction has locked."""
    if not events:
        return
    ActivityEvent.objects.bulk_create(events)
    announce(
        *(
            Event("event.recorded", str(event.chat_user.uuid), {"id": event.pk, "kind": str(event.kind)})
            for event in events
        )
    )
