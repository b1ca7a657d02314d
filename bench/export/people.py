"""People with a history of a given length, as the demo's people talk."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bench.places import NOW
from chatadmin.lib.tokens import tokens
from conversations.demo.tables import Table, chunk
from conversations.models import Conversation, Message
from exports.importing.recount import recount
from users.models import ChatUser

A_CONVERSATION = 5_000
COLUMNS = (
    "conversation_id",
    "chat_user_id",
    "sender",
    "author_name",
    "body",
    "tokens",
    "created_at",
    "read_at",
)
LINES = (
    "Hello! I ordered a pair of boots last Tuesday and the parcel hasn't moved since.",
    "Let me have a look, one moment please.",
    'It says "in transit" — since Wednesday, 4:12 pm…',
    "-20 % was promised for the second pair, ça marche encore ?",
    "ありがとうございます 🎉",
)


def make_person(messages: int) -> str:
    """Makes somebody with so many messages in several conversations, a second apart. Returns their uuid."""
    person = make_uncounted(messages)
    recount(person.pk)
    return str(person.uuid)


def make_uncounted(messages: int) -> ChatUser:
    """The same, whose counters are yet to be set: for a load without indexes."""
    person = ChatUser.objects.create(name=f"Long history {messages}", first_seen=NOW, last_active=NOW)
    start = NOW - dt.timedelta(seconds=messages)
    said = Table(Message, *COLUMNS)
    for first in range(0, messages, A_CONVERSATION):
        opened = start + dt.timedelta(seconds=first)
        closed = opened + dt.timedelta(seconds=A_CONVERSATION)
        conversation = Conversation.objects.create(
            chat_user=person, status="closed", started_at=opened, last_message_at=opened, closed_at=closed
        )
        with chunk([said]):
            for number in range(first, min(first + A_CONVERSATION, messages)):
                said.add(conversation.pk, person.pk, *_message(number, start))
    return person


def _message(number: int, start: dt.datetime) -> tuple[Any, ...]:
    body = f"{LINES[number % len(LINES)]} ({number})"
    at = start + dt.timedelta(seconds=number)
    is_ours = number % len(LINES) == 1
    who = ("staff", "Dana") if is_ours else ("visitor", "")
    return (*who, body, tokens(body), at, at)
