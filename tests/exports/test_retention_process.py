"""Retention in the real server: it runs by itself, and killed half-way it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chatadmin.lib.tokens import tokens
from conversations.counters import wrong
from conversations.models import Conversation, Message
from exports.models import Erasure
from exports.retention_models import RetentionRun
from staff.models import Account
from tests.exports.retaining import ago, make_rule, make_talker
from tests.server import Server
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, EACH = 400, 10
SECONDS = 60


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def make_crowd() -> None:
    """People with so many old messages each, in a closed conversation."""
    ChatUser.objects.bulk_create(
        ChatUser(last_active=ago(200), first_seen=ago(200), first_contact=ago(200), message_count=EACH)
        for _ in range(PEOPLE)
    )
    talks = Conversation.objects.bulk_create(
        Conversation(
            chat_user=person,
            status="closed",
            closed_at=ago(199),
            started_at=ago(200),
            last_message_at=ago(200),
            turn="visitor",
        )
        for person in ChatUser.objects.all()
    )
    Message.objects.bulk_create(
        Message(
            conversation=talk,
            chat_user_id=talk.chat_user_id,
            sender="staff",
            body=f"answer {number}",
            tokens=tokens(f"answer {number}"),
            created_at=ago(200),
        )
        for talk in talks
        for number in range(EACH)
    )


def test_killed_half_way_the_next_one_goes_on(server: Server, admin: Account) -> None:
    server.kill()
    make_crowd()
    stays = make_talker("Ana", 10)
    make_rule("messages", admin)
    server.start()
    until(lambda: Message.objects.count() < PEOPLE * EACH)
    server.kill()
    half = Message.objects.count()
    assert 2 < half < PEOPLE * EACH
    assert RetentionRun.objects.get().ended_at is None
    assert list(wrong()) == [], "a chunk and its counters are there together"
    server.start()
    until(lambda: RetentionRun.objects.filter(state="done").exists())
    run = RetentionRun.objects.get()
    assert run.counts == {"people": PEOPLE, "messages": PEOPLE * EACH, "conversations": PEOPLE}
    assert list(Message.objects.values_list("chat_user", flat=True)) == [stays.pk] * 2
    assert list(wrong()) == []


def test_people_who_are_due_are_erased_with_a_receipt_each(server: Server, admin: Account) -> None:
    server.kill()
    for name in ("Ana", "Bo", "Cy"):
        make_talker(name, 100)
    make_talker("Stays", 10)
    make_rule("everything", admin)
    server.start()
    done = Erasure.objects.filter(reason="retention", finished_at__isnull=False)
    until(lambda: done.count() == 3 and RetentionRun.objects.filter(state="done").exists())
    assert list(ChatUser.objects.values_list("name", flat=True)) == ["Stays"]
    assert RetentionRun.objects.get().counts == {"people": 3, "messages": 6, "left": 0}
    assert all(erasure.receipt for erasure in done)
