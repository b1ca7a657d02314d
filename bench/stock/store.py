"""The stock chat's reads and writes, as plain Django has them."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.utils import timezone

from chatadmin.lib.tokens import tokens
from conversations.models import ActivityEvent, Conversation, EventKind, Message, Sender, Side, Status
from users.drawing import draw
from users.models import ChatUser, Visit
from users.queries import people

SLOTS = ("dot", "messages", "unread", "first_contact", "last_active")


def arrive(url: str, title: str) -> tuple[int, str, int]:
    """A new person and their visit: their id, uuid and the visit's id."""
    now = timezone.now()
    with transaction.atomic():
        person = ChatUser.objects.create(last_active=now, visit_count=1)
        visit = Visit.objects.create(
            chat_user=person, started_at=now, last_seen_at=now, landing_url=url, landing_title=title
        )
        ActivityEvent.objects.create(
            chat_user=person, visit=visit, kind=EventKind.FIRST_VISIT, data={"url": url}, at=now
        )
    return person.pk, str(person.uuid), visit.pk


def save_message(person: int, client_id: str, body: str) -> tuple[int, dt.datetime]:
    """The message, in the person's open conversation: its id and time."""
    now = timezone.now()
    with transaction.atomic():
        known = Message.objects.filter(chat_user=person, client_id=client_id).first()
        if known is not None:
            return known.pk, known.created_at
        conversation, _ = Conversation.objects.get_or_create(
            chat_user_id=person,
            status=Status.OPEN,
            defaults={"started_at": now, "last_message_at": now},
        )
        message = Message.objects.create(
            conversation=conversation,
            chat_user_id=person,
            sender=Sender.VISITOR,
            body=body,
            tokens=tokens(body),
            client_id=uuid.UUID(client_id),
            created_at=now,
        )
    return message.pk, now


def count(person: int, message: int) -> None:
    """Counters, unread and whose turn it is."""
    now = timezone.now()
    with transaction.atomic():
        Conversation.objects.filter(messages=message).update(
            unread_count=F("unread_count") + 1, last_message_at=now, turn=Side.STAFF
        )
        ChatUser.objects.filter(pk=person).update(
            message_count=F("message_count") + 1,
            unread_count=F("unread_count") + 1,
            first_contact=Coalesce("first_contact", Value(now, DateTimeField())),
        )


def seen(person: int, visit: int) -> None:
    """The last sign of life, of the person and of the visit."""
    now = timezone.now()
    ChatUser.objects.filter(pk=person).update(last_active=now)
    Visit.objects.filter(pk=visit).update(last_seen_at=now)


def rows(users: list[str]) -> str:
    """What a page shows of these people, drawn by the product's own templates."""
    found = people(list(ChatUser.objects.filter(uuid__in=users)))
    return "".join(
        draw(f"users/leaf/{slot}.html", person=person, live=True) for person in found for slot in SLOTS
    )


def fragment(user: str, message: int | None) -> str:
    """A row that changed, and the message where the page has the profile open."""
    html = rows([user])
    if message is not None:
        said = Message.objects.get(pk=message)
        line = render_to_string("conversations/message.html", {"message": said})
        html += f'<div hx-swap-oob="beforeend:[data-log]">{line}</div>'
    return html
