"""write_message(): the only way in for messages. Each is there once, in order, and counted."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from chatadmin.lib import bus
from chatadmin.lib.bus import Event
from conversations import actions, writing
from conversations.actions import Blocked, Gone, NewMessage, Stored, write_message
from conversations.counters import wrong
from conversations.models import Conversation, Message
from staff.models import Account
from tests.announcements import listen
from tests.factories import make_messages, make_person
from tests.threads import together
from users.models import ChatUser

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def ann(db: None) -> ChatUser:
    return make_person("Ann", last_active=T)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


def write(person: ChatUser, body: str = "Hello", sender: str = "visitor", **fields: Any) -> Stored:
    return write_message(NewMessage(person.pk, sender, body, **fields))


def test_the_first_message_opens_a_conversation(ann: ChatUser, told: list[Event]):
    key = uuid.uuid4()
    stored = write(ann, "Hello, Élodie\n", client_id=key, created_at=T)
    message = Message.objects.get()
    ann.refresh_from_db()
    conversation = Conversation.objects.get()
    assert stored.created and stored.message.pk == message.pk
    assert (message.body, message.tokens, message.client_id) == ("Hello, Élodie\n", "hello elodie", key)
    assert (message.sender, message.kind, message.read_at, message.created_at) == ("visitor", "text", None, T)
    assert (message.chat_user_id, message.conversation_id) == (ann.pk, conversation.pk)
    assert (conversation.status, conversation.turn, conversation.unread_count) == ("open", "staff", 1)
    assert (conversation.started_at, conversation.last_message_at) == (T, T)
    assert (ann.message_count, ann.unread_count, ann.first_contact, ann.last_active) == (1, 1, T, T)
    data = {"id": message.pk, "sender": "visitor", "client_id": str(key), "first": True}
    assert told == [Event("message.created", str(ann.uuid), data)]


def test_ours_is_signed_and_turns_the_turn(ann: ChatUser, support: Account, told: list[Event]):
    write(ann, created_at=T)
    stored = write(ann, "Hi Ann", "staff", author=support, created_at=T + HOUR)
    ann.refresh_from_db()
    conversation = Conversation.objects.get()
    assert (stored.message.author, stored.message.author_name) == (support, "Sam Support")
    assert (conversation.turn, conversation.unread_count, conversation.last_message_at) == (
        "visitor",
        1,
        T + HOUR,
    )
    assert (ann.message_count, ann.unread_count, ann.first_contact) == (2, 1, T)
    # Being written to is no activity of theirs.
    assert ann.last_active == T
    write(ann, "I am a bot", "bot", author_name="Helper", created_at=T + HOUR)
    assert Conversation.objects.get().turn == "visitor"
    write(ann, "Thanks", created_at=T + 2 * HOUR)
    ann.refresh_from_db()
    assert Conversation.objects.get().turn == "staff"
    assert (ann.message_count, ann.unread_count, ann.last_active) == (4, 2, T + 2 * HOUR)
    assert list(wrong()) == []


def test_the_first_contact_may_be_ours(ann: ChatUser, support: Account):
    write(ann, "May we help?", "staff", author=support, created_at=T)
    write(ann, created_at=T + HOUR)
    ann.refresh_from_db()
    assert (ann.first_contact, ann.message_count) == (T, 2)


def test_system_lines_are_not_counted(ann: ChatUser):
    write(ann, created_at=T)
    write(ann, "Conversation moved", "system", kind="system", created_at=T + HOUR)
    ann.refresh_from_db()
    conversation = Conversation.objects.get()
    assert Message.objects.count() == 2
    assert (ann.message_count, ann.unread_count, ann.last_active) == (1, 1, T)
    assert (conversation.turn, conversation.unread_count) == ("staff", 1)


def test_a_system_line_alone_is_no_contact(ann: ChatUser):
    write(ann, "Widget installed", "system", kind="system", created_at=T)
    ann.refresh_from_db()
    assert (ann.message_count, ann.first_contact) == (0, None)


def test_data_is_kept_as_it_is(ann: ChatUser):
    data = {
        "files": [
            {"name": "a\u202eb.pdf", "size": 12, "type": "application/pdf", "url": "https://x.example/a"}
        ]
    }
    write(ann, "", kind="file", data=data)
    assert Message.objects.get().data == data


@pytest.mark.parametrize(
    "body", ["  spaces \n\t", "\u202eodd\u200b", "🎉" * 4_000, "' \" \\ <b>&amp;", "\r\n", "ﷺ" * 4_000]
)
def test_a_body_is_kept_exactly_as_sent(ann: ChatUser, body: str):
    write(ann, body)
    assert Message.objects.get().body == body


# -- once


def test_the_same_client_id_is_the_same_message(ann: ChatUser, told: list[Event]):
    key = uuid.uuid4()
    first = write(ann, "Hello", client_id=key)
    told.clear()
    again = write(ann, "Something else", client_id=key)
    assert (again.created, again.message.pk, again.message.body) == (False, first.message.pk, "Hello")
    assert Message.objects.count() == 1
    ann.refresh_from_db()
    assert (ann.message_count, ann.unread_count) == (1, 1)
    assert told == []


def test_a_client_id_belongs_to_one_person(ann: ChatUser):
    bob, key = make_person("Bob"), uuid.uuid4()
    assert write(ann, client_id=key).created
    assert write(bob, client_id=key).created
    assert Message.objects.count() == 2


def test_without_a_client_id_each_is_new(ann: ChatUser):
    assert [write(ann).created for _ in range(2)] == [True, True]
    assert Message.objects.count() == 2


def test_a_repeat_is_answered_after_the_conversation_was_closed(ann: ChatUser):
    key = uuid.uuid4()
    first = write(ann, client_id=key)
    Conversation.objects.update(status="closed", closed_at=T)
    assert write(ann, client_id=key).message.pk == first.message.pk
    assert Conversation.objects.get().status == "closed"


@pytest.mark.django_db(transaction=True)
def test_the_same_client_id_at_once_is_one_message():
    ann, key = make_person("Ann"), uuid.uuid4()
    stored = together(*[lambda: write(ann, client_id=key)] * 6)
    assert sorted(item.created for item in stored if isinstance(item, Stored)) == [False] * 5 + [True]
    assert len({item.message.pk for item in stored if isinstance(item, Stored)}) == 1
    ann.refresh_from_db()
    assert (Message.objects.count(), Conversation.objects.count(), ann.message_count) == (1, 1, 1)


# -- refused


def test_the_erased_and_the_unknown_accept_nothing(ann: ChatUser, told: list[Event]):
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=T)
    for pk in (ann.pk, ann.pk + 1_000):
        for sender in ("visitor", "staff", "system"):
            with pytest.raises(Gone):
                write_message(NewMessage(pk, sender, "Hello"))
    assert (Message.objects.count(), Conversation.objects.count(), told) == (0, 0, [])


def test_the_blocked_can_not_write_but_are_written_to(ann: ChatUser, told: list[Event]):
    key = uuid.uuid4()
    write(ann, client_id=key)
    ChatUser.objects.filter(pk=ann.pk).update(blocked_at=T)
    told.clear()
    for client_id in (key, uuid.uuid4(), None):
        with pytest.raises(Blocked):
            write(ann, client_id=client_id)
    assert (Message.objects.count(), told) == (1, [])
    assert write(ann, "You are blocked", "staff").created


def test_a_refusal_is_one_kind():
    assert issubclass(Gone, actions.Refused) and issubclass(Blocked, actions.Refused)


# -- conversations


@pytest.mark.parametrize(
    ("hours", "same"), [(0, True), (23.9, True), (24, True), (24.01, False), (1_000, False)]
)
def test_24_hours_without_a_message_end_a_conversation(
    ann: ChatUser, told: list[Event], hours: float, same: bool
):
    first = write(ann, created_at=T).message.conversation_id
    told.clear()
    write(ann, "Back again", created_at=T + dt.timedelta(hours=hours))
    assert Conversation.objects.count() == (1 if same else 2)
    opened = Conversation.objects.get(status="open")
    assert (opened.pk == first) is same
    assert opened.unread_count == (2 if same else 1)
    names = [event.name for event in told]
    assert names == (["message.created"] if same else ["conversation.changed", "message.created"])
    if not same:
        closed = Conversation.objects.get(pk=first)
        assert (closed.status, closed.closed_at, closed.unread_count) == ("closed", T + 24 * HOUR, 1)
        assert told[0].data == {"id": first}
    ann.refresh_from_db()
    assert (ann.message_count, ann.unread_count) == (2, 2)


def test_ours_keeps_a_conversation_open(ann: ChatUser):
    write(ann, created_at=T)
    write(ann, "Still here?", "staff", created_at=T + 20 * HOUR)
    write(ann, created_at=T + 40 * HOUR)
    assert Conversation.objects.count() == 1


def test_after_a_close_the_next_message_opens_another(ann: ChatUser):
    write(ann, created_at=T)
    Conversation.objects.update(status="closed", closed_at=T)
    write(ann, created_at=T + HOUR)
    assert list(Conversation.objects.order_by("pk").values_list("status", flat=True)) == ["closed", "open"]


def test_an_older_message_moves_no_date_forwards(ann: ChatUser):
    write(ann, created_at=T)
    write(ann, "Written before", created_at=T - HOUR)
    ann.refresh_from_db()
    conversation = Conversation.objects.get()
    assert (conversation.started_at, conversation.last_message_at) == (T - HOUR, T)
    assert (ann.first_contact, ann.last_active) == (T - HOUR, T)


def test_what_is_returned_says_what_is_stored(ann: ChatUser):
    for _ in range(2):
        stored = write(ann)
    ann.refresh_from_db()
    assert stored.message.conversation.unread_count == 2
    assert (stored.message.chat_user.message_count, stored.message.chat_user.unread_count) == (2, 2)


# -- telling


@pytest.mark.django_db(transaction=True)
def test_it_is_told_once_it_is_committed(monkeypatch: pytest.MonkeyPatch):
    ann = make_person("Ann")
    told = listen(monkeypatch, at_commit=True)
    with transaction.atomic():
        write(ann)
        assert told == []
    assert [event.name for event in told] == ["message.created"]


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_is_not_told(monkeypatch: pytest.MonkeyPatch):
    ann = make_person("Ann")
    told = listen(monkeypatch, at_commit=True)

    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(writing, "_count", fail)
        with pytest.raises(RuntimeError):
            write(ann)
    assert (Message.objects.count(), Conversation.objects.count(), told) == (0, 0, [])
    write(ann)
    assert len(told) == 1


@pytest.mark.django_db(transaction=True)
def test_a_telling_that_fails_leaves_the_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ann = make_person("Ann")

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(bus, "_publish", fail)
    assert write(ann).created
    assert Message.objects.count() == 1


# -- order


@pytest.mark.django_db(transaction=True)
def test_ids_of_one_person_appear_in_order():
    """Who reads everything after the last id that they have misses nothing, whoever writes meanwhile."""
    ann, bob = make_person("Ann"), make_person("Bob")
    rounds, writers = 12, 3
    late: list[tuple[int, int]] = []
    left = [writers + 1]

    def writer(person: ChatUser) -> None:
        try:
            for _ in range(rounds):
                write(person)
        finally:
            left[0] -= 1

    def reader() -> None:
        seen: set[int] = set()
        highest = 0
        while True:
            ending = left[0] == 0
            ids = set(Message.objects.filter(chat_user=ann).values_list("pk", flat=True))
            late.extend((pk, highest) for pk in ids - seen if pk < highest)
            seen |= ids
            highest = max(seen, default=0)
            if ending:
                return

    results = together(*[lambda: writer(ann)] * writers, lambda: writer(bob), reader, seconds=60)
    assert results == [None] * (writers + 2)
    assert Message.objects.filter(chat_user=ann).count() == rounds * writers
    assert late == []
    for person in (ann, bob):
        person.refresh_from_db()
        assert person.message_count == person.messages.count() == person.unread_count
    assert Conversation.objects.count() == 2
    assert list(wrong()) == []


@pytest.mark.django_db(transaction=True)
def test_reading_and_writing_at_once_keeps_the_counters():
    ann = make_person("Ann")
    make_messages(ann, *[("visitor", str(number)) for number in range(5)], start=timezone.now() - HOUR)

    def say() -> None:
        for _ in range(8):
            write(ann)

    def read() -> None:
        for _ in range(8):
            last = Message.objects.filter(chat_user=ann).latest("pk").pk
            actions.mark_read(chat_user_id=ann.pk, side="staff", up_to=last)

    assert together(say, read, say, read) == [None] * 4
    assert list(wrong()) == []
