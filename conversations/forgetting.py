"""Lets go of what is old: messages, visits, activity before a moment, with counters, dates and conversations kept right.

Each function works within the caller's transaction, on people whose rows it has locked.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.rows import save_rows
from conversations.models import ActivityEvent, Conversation, Message, Sender
from users.models import ChatUser, Visit

_DEVICE = ("browser", "browser_version", "os", "device_kind")


@dataclass(frozen=True)
class Forgotten:
    """How many rows went: messages, and conversations in which nothing was left."""

    messages: int
    conversations: int


def forget_messages(person: ChatUser, *, before: dt.datetime, most: int) -> Forgotten:
    """Deletes the person's oldest `most` messages of those older than `before`.

    A conversation in which nobody says anything any more goes too, with the system's lines in it.
    """
    old = Message.objects.filter(chat_user=person, created_at__lt=before).order_by("created_at", "pk")
    rows = list(old.values_list("pk", "conversation_id", "sender", "read_at")[:most])
    _delete_messages([pk for pk, _, _, _ in rows])
    unread = Counter(talk for _, talk, sender, read in rows if sender == Sender.VISITOR and read is None)
    for conversation in Conversation.objects.filter(pk__in=list(unread)):
        conversation.unread_count = max(0, conversation.unread_count - unread[conversation.pk])
        conversation.save(update_fields=["unread_count"])
    lines, conversations = _close_up({talk for _, talk, _, _ in rows})
    said = sum(sender != Sender.SYSTEM for _, _, sender, _ in rows)
    person.unread_count = max(0, person.unread_count - sum(unread.values()))
    left = Message.objects.filter(chat_user=person).exclude(sender=Sender.SYSTEM).order_by("created_at", "pk")
    person.first_contact = left.values_list("created_at", flat=True).first()
    person.message_count = max(0, person.message_count - said) if person.first_contact else 0
    person.save(update_fields=["unread_count", "first_contact", "message_count"])
    announce(Event("user.changed", str(person.uuid), {"fields": ["history", "messages"]}))
    return Forgotten(len(rows) + lines, conversations)


def _close_up(talks: Collection[int]) -> tuple[int, int]:
    """Deletes those of these conversations in which nobody says anything. Returns how many lines, and conversations."""
    said = Message.objects.filter(conversation=OuterRef("pk")).exclude(sender=Sender.SYSTEM)
    empty = list(Conversation.objects.filter(~Exists(said), pk__in=talks).values_list("pk", flat=True))
    lines = list(Message.objects.filter(conversation__in=empty).values_list("pk", flat=True)) if empty else []
    _delete_messages(lines)
    gone = Conversation.objects.filter(pk__in=empty)
    return len(lines), gone._raw_delete(gone.db) if empty else 0


def _delete_messages(ids: Collection[int]) -> None:
    # Straight in the database: nothing points at a message, and its indexes are the database's own.
    if ids:
        rows = Message.objects.filter(pk__in=ids)
        rows._raw_delete(rows.db)


def forget_visits(people: Iterable[ChatUser], ids: Collection[int]) -> int:
    """Deletes those of these visits that are these people's and over. Returns how many.

    What was done during a visit stays on the timeline. Whoever has no visit left has no device either.
    """
    theirs = {person.pk: person for person in people}
    found = Visit.objects.filter(pk__in=ids, chat_user__in=theirs, ended_at__isnull=False)
    owners = dict(found.values_list("pk", "chat_user"))
    ActivityEvent.objects.filter(visit__in=list(owners)).update(visit=None)
    gone = Visit.objects.filter(pk__in=list(owners))
    gone._raw_delete(gone.db)
    counted = Counter(owners.values())
    here = set(Visit.objects.filter(chat_user__in=list(counted)).values_list("chat_user", flat=True))
    changed = [theirs[pk] for pk in counted]
    for person in changed:
        person.visit_count = max(0, person.visit_count - counted[person.pk])
        if person.pk not in here:
            for field in _DEVICE:
                setattr(person, field, "")
    save_rows(changed, ["visit_count", *_DEVICE])
    announce(
        *(Event("user.changed", str(one.uuid), {"fields": ["visit", "device", "history"]}) for one in changed)
    )
    return len(owners)


def forget_events(people: Iterable[ChatUser], ids: Collection[int]) -> int:
    """Deletes those of these entries of the timeline that are these people's. Returns how many."""
    theirs = {person.pk: person for person in people}
    found = ActivityEvent.objects.filter(pk__in=ids, chat_user__in=theirs)
    owners = dict(found.values_list("pk", "chat_user"))
    gone = ActivityEvent.objects.filter(pk__in=list(owners))
    gone._raw_delete(gone.db)
    changed = {theirs[pk] for pk in owners.values()}
    announce(*(Event("user.changed", str(one.uuid), {"fields": ["history"]}) for one in changed))
    return len(owners)
