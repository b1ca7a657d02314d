"""The only way in for messages: as many as came at once, in one transaction, each as if it had come alone.

People are locked, in id order, before anything is inserted, so that ids of one person's messages commit in order.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.limits import Rate, limits
from chatadmin.lib.rows import ids_of, save_rows
from chatadmin.lib.tokens import tokens
from conversations.models import Conversation, Kind, Message, Sender, Side, Status
from staff.models import Account
from users.models import ChatUser

IDLE = dt.timedelta(hours=24)
# A database that is away, or that somebody else has locked, is not asked once more for each message of a batch.
GIVE_UP_SECONDS = 5.0

# What each message changes, and what hardly any does.
_COUNTED, _ONCE = ("message_count", "unread_count", "last_active"), ("first_contact",)
_TALK, _SELDOM = ("last_message_at", "turn", "unread_count"), ("status", "closed_at", "started_at")


class Refused(Exception):
    """The person accepts no write."""


class Gone(Refused):
    """The person was erased, or never was."""


class Blocked(Refused):
    """The person was blocked by staff."""


class TooFast(Refused):
    """The message's budget is used up, and it is no repeat of what is stored."""


@dataclass(frozen=True)
class NewMessage:
    """A message to be stored. `client_id` is the idempotency key; `author` the member of staff who wrote it.

    `budget` names the bucket that pays for it; without enough in it only a repeat is answered.
    """

    chat_user_id: int
    sender: str
    body: str
    kind: str = Kind.TEXT
    data: dict[str, Any] | None = None
    client_id: uuid.UUID | None = None
    author: Account | None = None
    author_name: str = ""
    created_at: dt.datetime | None = None
    budget: tuple[str, Rate] | None = None


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

    A `client_id` that is known gives the message it made, and writes nothing. Raises Gone, TooFast, and Blocked for
    a visitor whom staff blocked.
    """
    outcome = write_messages([item])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def write_messages(items: Sequence[NewMessage]) -> list[Stored | Exception]:
    """The same for many, in their order. Returns what `write_message` would return or raise for each.

    One that can't be written doesn't keep the others out.
    """
    began = time.monotonic()
    paid = _paid(items)
    try:
        return _write(items, paid)
    except Exception as error:
        failure = error
    if len(items) == 1:
        return [failure]
    outcomes: list[Stored | Exception] = []
    for item, pays in zip(items, paid, strict=True):
        if time.monotonic() - began > GIVE_UP_SECONDS:
            outcomes.append(failure)
            continue
        try:
            outcomes += _write([item], [pays])
        except Exception as error:
            failure = error
            outcomes.append(error)
    return outcomes


def _paid(items: Sequence[NewMessage]) -> list[bool]:
    budgets = [item.budget for item in items if item.budget is not None]
    taken = iter(limits().take_many(budgets))
    return [item.budget is None or next(taken) for item in items]


def _write(items: Sequence[NewMessage], paid: Sequence[bool]) -> list[Stored | Exception]:
    with transaction.atomic():
        batch = _Batch(items)
        outcomes = [batch.take(item, pays=pays) for item, pays in zip(items, paid, strict=True)]
        batch.save()
    return outcomes


class _Batch:
    """The people whom some messages are about, locked, and what becomes of them and their conversations."""

    def __init__(self, items: Sequence[NewMessage]) -> None:
        living = ChatUser.objects.filter(pk__in={item.chat_user_id for item in items}, erased_at=None)
        locked = living.only("uuid", "blocked_at", *_COUNTED, *_ONCE).order_by("pk").select_for_update()
        self.people = {person.pk: person for person in locked}
        self.first_contacts = {person.pk: person.first_contact for person in self.people.values()}
        repeats = [(item.chat_user_id, item.client_id) for item in items if item.client_id is not None]
        known = ids_of(Message, ["chat_user", "client_id"], repeats)
        self.known = {
            (message.chat_user_id, message.client_id): message
            for message in (Message.objects.filter(pk__in=known) if known else ())
        }
        running = Conversation.objects.filter(chat_user__in=list(self.people), status=Status.OPEN)
        self.running = {conversation.chat_user_id: conversation for conversation in running}
        self.starts = {conversation.pk: conversation.started_at for conversation in self.running.values()}
        self.changed: dict[int, Conversation] = {}
        self.begun: list[Conversation] = []
        self.messages: list[Message] = []
        self.told: list[tuple[ChatUser, Conversation | Message]] = []

    def take(self, item: NewMessage, *, pays: bool) -> Stored | Exception:
        """Notes a message, or says what it was, or why it is refused."""
        person = self.people.get(item.chat_user_id)
        if person is None:
            return Gone()
        if person.blocked_at is not None and item.sender == Sender.VISITOR:
            return Blocked()
        known = self.known.get((person.pk, item.client_id))
        if known is not None:
            return Stored(known, created=False)
        if not pays:
            return TooFast()
        message = self._message(person, item)
        if item.client_id is not None:
            self.known[(person.pk, item.client_id)] = message
        return Stored(message, created=True)

    def _message(self, person: ChatUser, item: NewMessage) -> Message:
        at = item.created_at or timezone.now()
        conversation = self._conversation(person, at)
        message = Message(
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
        self.messages.append(message)
        self.told.append((person, message))
        return message

    def _conversation(self, person: ChatUser, at: dt.datetime) -> Conversation:
        """The open one; one without a message for a day is closed, and another begun."""
        running = self.running.get(person.pk)
        if running is not None and at - running.last_message_at > IDLE:
            running.status, running.closed_at = Status.CLOSED, running.last_message_at + IDLE
            self.told.append((person, running))
            self._note(running)
            running = None
        if running is None:
            running = Conversation(chat_user=person, started_at=at, last_message_at=at)
            self.running[person.pk] = running
            self.begun.append(running)
        self._note(running)
        return running

    def _note(self, conversation: Conversation) -> None:
        if conversation.pk is not None:
            self.changed[conversation.pk] = conversation

    def save(self) -> None:
        """Writes it all, and announces it for when it is committed."""
        # Before the new ones: a person has one open conversation at most.
        talks = list(self.changed.values())
        save_rows(talks, _TALK)
        save_rows([one for one in talks if one.closed_at or one.started_at != self.starts[one.pk]], _SELDOM)
        Conversation.objects.bulk_create(self.begun)
        Message.objects.bulk_create(self.messages)
        people = [self.people[pk] for pk in {message.chat_user_id for message in self.messages}]
        save_rows([one for one in people if one.first_contact != self.first_contacts[one.pk]], _ONCE)
        save_rows(people, _COUNTED)
        announce(*[self._event(person, row) for person, row in self.told])

    def _event(self, person: ChatUser, row: Conversation | Message) -> Event:
        if isinstance(row, Conversation):
            return Event("conversation.changed", str(person.uuid), {"id": row.pk})
        told: dict[str, Any] = {"id": row.pk, "sender": row.sender}
        if row.client_id is not None:
            told["client_id"] = str(row.client_id)
        if person.first_contact != self.first_contacts[person.pk]:
            told["first"] = True
        return Event("message.created", str(person.uuid), told)


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
