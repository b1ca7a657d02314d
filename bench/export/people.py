"""People with a history of a given length, as the demo's people talk."""

from __future__ import annotations

import datetime as dt

from bench.places import NOW
from chatadmin.lib.tokens import tokens
from conversations.models import Conversation, Message
from exports.importing.recount import recount
from users.models import ChatUser

A_TRANSACTION = 5_000
A_CONVERSATION = 5_000
LINES = (
    "Hello! I ordered a pair of boots last Tuesday and the parcel hasn't moved since.",
    "Let me have a look, one moment please.",
    'It says "in transit" — since Wednesday, 4:12 pm…',
    "-20 % was promised for the second pair, ça marche encore ?",
    "ありがとうございます 🎉",
)


def make_person(messages: int) -> str:
    """Makes somebody with so many messages in several conversations, a second apart. Returns their uuid."""
    person = ChatUser.objects.create(name=f"Long history {messages}", first_seen=NOW, last_active=NOW)
    start = NOW - dt.timedelta(seconds=messages)
    for first in range(0, messages, A_CONVERSATION):
        opened = start + dt.timedelta(seconds=first)
        closed = opened + dt.timedelta(seconds=A_CONVERSATION)
        conversation = Conversation.objects.create(
            chat_user=person, status="closed", started_at=opened, last_message_at=opened, closed_at=closed
        )
        Message.objects.bulk_create(
            [
                _message(person, conversation, number, start)
                for number in range(first, min(first + A_CONVERSATION, messages))
            ],
            batch_size=A_TRANSACTION,
        )
    recount(person.pk)
    return str(person.uuid)


def _message(person: ChatUser, conversation: Conversation, number: int, start: dt.datetime) -> Message:
    body = f"{LINES[number % len(LINES)]} ({number})"
    at = start + dt.timedelta(seconds=number)
    is_ours = number % len(LINES) == 1
    return Message(
        conversation=conversation,
        chat_user=person,
        sender="staff" if is_ours else "visitor",
        author_name="Dana" if is_ours else "",
        body=body,
        tokens=tokens(body),
        created_at=at,
        read_at=at,
    )
