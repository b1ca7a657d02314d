"""Many messages in one transaction: each as if it had come alone, once, in order, counted."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatadmin.lib.bus import Event
from chatadmin.lib.limits import Rate
from conversations import writer, writing
from conversations.counters import wrong
from conversations.models import Conversation, Message
from conversations.writing import Blocked, NewMessage, Stored, TooFast, write_message, write_messages
from tests.announcements import listen
from tests.factories import make_person
from tests.server import ROOT, database_url
from tests.threads import together
from users.models import ChatUser

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
KEYS = [uuid.UUID(int=number) for number in range(1, 5)]
BAD = {"not": object()}
SLOW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Whom (two who may write, one blocked, one erased, one who never was), who says it, its key, how much later (hours), good.
ASKED = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 1, 2, 3, 4]),
        st.sampled_from(["visitor", "visitor", "staff", "bot", "system"]),
        st.sampled_from([None, *KEYS]),
        st.sampled_from([0, 0, 1, 20, 26]),
        st.sampled_from([True, True, True, True, False]),
    ),
    max_size=14,
)
CUTS = st.lists(st.integers(1, 6), min_size=14, max_size=14)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Nothing of one example is there for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def items_of(asked: Sequence[tuple[int, str, Any, int, bool]]) -> tuple[list[NewMessage], dict[int, int]]:
    """The messages, and whose key in the database stands for which person."""
    people = [make_person(name, last_active=T) for name in ("Ann", "Bob", "Cleo", "Dan")]
    ChatUser.objects.filter(pk=people[2].pk).update(blocked_at=T)
    ChatUser.objects.filter(pk=people[3].pk).update(erased_at=T)
    keys = [person.pk for person in people] + [people[-1].pk + 1_000]
    items, at = [], T
    for number, (who, sender, key, hours, good) in enumerate(asked):
        at += dt.timedelta(hours=hours, seconds=1)
        data = None if good else BAD
        items.append(NewMessage(keys[who], sender, f"line {number}", client_id=key, created_at=at, data=data))
    return items, {key: number for number, key in enumerate(keys)}


def one_by_one(items: Sequence[NewMessage]) -> list[Stored | Exception]:
    outcomes: list[Stored | Exception] = []
    for item in items:
        try:
            outcomes.append(write_message(item))
        except Exception as error:
            outcomes.append(error)
    return outcomes


def in_batches(items: Sequence[NewMessage], sizes: Sequence[int]) -> list[Stored | Exception]:
    outcomes: list[Stored | Exception] = []
    left = list(items)
    for size in sizes:
        outcomes += write_messages(left[:size])
        left = left[size:]
    return outcomes


def standing(people: dict[int, int]) -> list[Any]:
    """Everything that the rows say, without their own keys."""
    columns = ("sender", "body", "client_id", "created_at", "tokens", "author_name")
    counted = ("message_count", "unread_count", "first_contact", "last_active")
    shape = ("status", "turn", "started_at", "last_message_at", "closed_at", "unread_count")
    of_talks: dict[int, list[Any]] = {}
    for row in Conversation.objects.order_by("chat_user", "pk"):
        of_talks.setdefault(people[row.chat_user_id], []).append([getattr(row, name) for name in shape])
    messages = [
        [people[row.chat_user_id], *(getattr(row, name) for name in columns)]
        for row in Message.objects.order_by("chat_user", "pk")
    ]
    rows = [[getattr(row, name) for name in counted] for row in ChatUser.objects.order_by("pk")]
    return [messages, of_talks, rows]


def said(outcomes: Sequence[Stored | Exception]) -> list[Any]:
    return [
        (outcome.created, outcome.message.body) if isinstance(outcome, Stored) else type(outcome)
        for outcome in outcomes
    ]


def events(told: list[Event], people: dict[int, int]) -> list[Any]:
    """What was told, in each person's order."""
    owners = {str(row.uuid): people[row.pk] for row in ChatUser.objects.all()}
    bodies = dict(Message.objects.values_list("pk", "body"))
    lines = [
        (
            owners[event.chat_user],
            event.name,
            bodies[event.data["id"]] if event.name == "message.created" else "",
        )
        for event in told
    ]
    return sorted(lines, key=lambda line: line[0])


@pytest.mark.django_db
@given(asked=ASKED, sizes=CUTS)
@SLOW
def test_a_batch_leaves_what_single_writes_leave(told: list[Event], asked: Any, sizes: list[int]):
    results = []
    for sized in (None, sizes):
        told.clear()
        with undone():
            items, people = items_of(asked)
            outcomes = one_by_one(items) if sized is None else in_batches(items, sized)
            results.append([said(outcomes), standing(people), events(told, people)])
            assert list(wrong()) == []
            for outcome, item in zip(outcomes, items, strict=True):
                if isinstance(outcome, Stored):
                    kept = Message.objects.get(pk=outcome.message.pk)
                    assert (kept.chat_user_id, kept.conversation.chat_user_id) == (item.chat_user_id,) * 2
            for person in people:
                stored = [
                    o.message.pk
                    for o in outcomes
                    if isinstance(o, Stored) and o.created and o.message.chat_user_id == person
                ]
                assert stored == sorted(stored)
    assert results[0] == results[1]


@pytest.mark.django_db
def test_one_that_can_not_be_written_keeps_nobody_out(told: list[Event]):
    ann, bob = make_person("Ann"), make_person("Bob")
    outcomes = write_messages(
        [
            NewMessage(ann.pk, "visitor", "one"),
            NewMessage(bob.pk, "visitor", "bad", data=BAD),
            NewMessage(bob.pk, "visitor", "two"),
        ]
    )
    assert said(outcomes) == [(True, "one"), TypeError, (True, "two")]
    assert [event.name for event in told] == ["message.created"] * 2
    assert list(wrong()) == []


@pytest.mark.django_db
def test_a_repeat_within_a_batch_is_the_same_message(told: list[Event]):
    ann, bob, key = make_person("Ann"), make_person("Bob"), uuid.uuid4()
    items = [NewMessage(person.pk, "visitor", "x", client_id=key) for person in (ann, ann, bob, ann)]
    first, again, his, third = write_messages(items)
    assert said([first, again, his, third]) == [(True, "x"), (False, "x"), (True, "x"), (False, "x")]
    assert isinstance(first, Stored) and isinstance(third, Stored)
    assert first.message.pk == third.message.pk == Message.objects.get(chat_user=ann).pk
    assert len(told) == 2
    assert list(wrong()) == []


@pytest.mark.django_db
def test_a_batch_asks_no_more_than_a_single_one(told: list[Event]):
    people = [make_person(f"Person {number}") for number in range(40)]
    asked = []
    for some in (people[:1], people[1:]):
        for _ in range(2):  # the first opens their conversations
            with CaptureQueriesContext(connection) as queries:
                write_messages(
                    [NewMessage(person.pk, "visitor", "x", client_id=uuid.uuid4()) for person in some]
                )
            asked.append(len(queries))
    assert asked[2:] == asked[:2]
    assert asked[1] <= 8


@pytest.mark.django_db
def test_a_batch_is_told_at_once(told: list[Event], monkeypatch: pytest.MonkeyPatch):
    tellings: list[list[Event]] = []
    monkeypatch.setattr("chatadmin.lib.bus._publish", tellings.append)
    people = [make_person(f"Person {number}") for number in range(3)]
    write_messages([NewMessage(person.pk, "visitor", "x") for person in people])
    assert [[event.chat_user for event in telling] for telling in tellings] == [
        [str(person.uuid) for person in people]
    ]


@pytest.mark.django_db
def test_a_budget_pays_for_each_and_a_repeat_is_free(told: list[Event]):
    ann, budget = make_person("Ann"), (f"test:{uuid.uuid4()}", Rate(2, 0.0001))
    items = [NewMessage(ann.pk, "visitor", str(key), client_id=key, budget=budget) for key in KEYS[:3]]
    assert said(write_messages([*items, items[0]])) == [
        (True, str(KEYS[0])),
        (True, str(KEYS[1])),
        TooFast,
        (False, str(KEYS[0])),
    ]
    with pytest.raises(TooFast):
        write_message(items[2])
    assert write_message(NewMessage(ann.pk, "staff", "no budget, no limit")).created
    ChatUser.objects.filter(pk=ann.pk).update(blocked_at=T)
    assert said(write_messages([items[0]])) == [Blocked]


@pytest.mark.django_db
def test_a_database_that_is_away_is_not_asked_for_each(monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []

    def away(items: Sequence[NewMessage], paid: Sequence[bool]) -> list[Stored | Exception]:
        calls.append(len(items))
        raise LookupError

    monkeypatch.setattr(writing, "_write", away)
    items = [NewMessage(1, "visitor", "x")] * 3
    assert said(write_messages(items)) == [LookupError] * 3
    assert calls == [3, 1, 1, 1]
    calls.clear()
    monkeypatch.setattr(writing, "GIVE_UP_SECONDS", -1)
    assert said(write_messages(items)) == [LookupError] * 3
    assert calls == [3]


@pytest.mark.django_db
def test_within_a_transaction_it_is_written_there(told: list[Event]):
    ann = make_person("Ann")
    with undone():
        assert writer.send(NewMessage(ann.pk, "visitor", "x")).created
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_there_once_each_in_order():
    people = [make_person(f"Person {number}") for number in range(4)]
    keys = [uuid.uuid4() for _ in range(10)]

    def talk(person: ChatUser) -> list[int]:
        return [
            writer.send(NewMessage(person.pk, "visitor", str(key), client_id=key)).message.pk for key in keys
        ]

    def beside(person: ChatUser) -> list[int]:
        return [write_message(NewMessage(person.pk, "staff", "beside the writer")).message.pk for _ in keys]

    talks = together(
        *[lambda person=person: talk(person) for person in [*people, *people]],
        lambda: beside(people[0]),
        seconds=60,
    )
    for first, second in zip(talks[:4], talks[4:8], strict=True):
        assert isinstance(first, list) and first == second == sorted(first)
    assert Message.objects.count() == (len(people) + 1) * len(keys)
    assert Conversation.objects.count() == len(people)
    assert list(wrong()) == []


SCRIPT = """
import os, sys, time, uuid
import django
django.setup()
from conversations import writing
save = writing.save_rows
def hold(rows, names):
    save(rows, names)
    if "message_count" in names:
        print("written", flush=True)
        time.sleep(60)
writing.save_rows = hold
people, keys = sys.argv[1].split(","), sys.argv[2].split(",")
writing.write_messages([
    writing.NewMessage(int(person), "visitor", key, client_id=uuid.UUID(key)) for key in keys for person in people
])
"""


@pytest.mark.django_db(transaction=True)
def test_killed_within_a_batch_nothing_of_it_is_there_and_it_is_written_again():
    people = [make_person(f"Person {number}") for number in range(3)]
    keys = [uuid.uuid4() for _ in range(3)]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "chatadmin.settings",
        "SECRET_KEY": django_settings.SECRET_KEY,
        "DATABASE_URL": database_url(),
        "CHATADMIN_VAR": str(django_settings.VAR_DIR),
    }
    arguments = [",".join(str(person.pk) for person in people), ",".join(map(str, keys))]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
    assert (Message.objects.count(), Conversation.objects.count()) == (0, 0)
    assert not ChatUser.objects.filter(message_count__gt=0).exists()
    items = [NewMessage(person.pk, "visitor", "x", client_id=key) for key in keys for person in people]
    assert said(write_messages(items)) == [(True, "x")] * 9
    assert said(write_messages(items)) == [(False, "x")] * 9
    assert list(wrong()) == []
