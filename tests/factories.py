"""Makes people, conversations and messages for tests, with counters that agree."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from chatadmin.lib.tokens import folded, tokens
from conversations.models import Conversation, Message, Sender
from staff.models import Account, Role, Widget
from users.models import ChatUser, Visit

PASSWORD = "correct horse battery"


def make_account(email: str, role: Role = Role.SUPPORT, **fields: Any) -> Account:
    """A member of staff who can sign in with PASSWORD."""
    return Account.objects.create_user(email, PASSWORD, role=role, **fields)


def make_person(name: str = "", email: str = "", **fields: Any) -> ChatUser:
    """A chat user without visits or messages."""
    fields.setdefault("last_active", timezone.now())
    return ChatUser.objects.create(
        name=name, email=email, name_folded=folded(name), email_folded=folded(email), **fields
    )


def make_visit(person: ChatUser, *, started_at: dt.datetime | None = None, **fields: Any) -> Visit:
    """A visit, counted."""
    started_at = started_at or timezone.now()
    fields.setdefault("last_seen_at", max(started_at, fields.get("ended_at") or started_at))
    visit = Visit.objects.create(chat_user=person, started_at=started_at, **fields)
    person.visit_count += 1
    person.save(update_fields=["visit_count"])
    return visit


def make_messages(person: ChatUser, *said: tuple[str, str], **fields: Any) -> list[Message]:
    """Messages `(sender, body)` a minute apart in the person's open conversation, counted; ours are read."""
    conversation, _ = Conversation.objects.get_or_create(chat_user=person, status="open")
    start = fields.pop("start", timezone.now() - dt.timedelta(minutes=len(said)))
    made = []
    for at, (sender, body) in enumerate(said):
        created_at = start + dt.timedelta(minutes=at)
        made.append(
            Message.objects.create(
                conversation=conversation,
                chat_user=person,
                sender=sender,
                body=body,
                tokens=tokens(body) if sender != Sender.SYSTEM else "",
                created_at=created_at,
                **fields,
            )
        )
    counted = [message for message in made if message.sender != Sender.SYSTEM]
    unread = [message for message in made if message.sender == Sender.VISITOR and message.read_at is None]
    person.message_count += len(counted)
    person.unread_count += len(unread)
    person.first_contact = person.first_contact or (counted[0].created_at if counted else None)
    person.save()
    conversation.unread_count += len(unread)
    conversation.started_at = min(conversation.started_at, made[0].created_at)
    conversation.last_message_at = made[-1].created_at
    conversation.save()
    return made


def make_widget(**fields: Any) -> Widget:
    """A widget that may be embedded on http://site.example."""
    fields.setdefault("allowed_origins", ["http://site.example"])
    return Widget.objects.create(**fields)
