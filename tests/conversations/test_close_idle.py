"""close_idle(): 24 hours without a message close a conversation."""

from __future__ import annotations

import datetime as dt

import pytest

from chatadmin.lib.bus import Event
from conversations import actions
from conversations.actions import NewMessage, close_idle, write_message
from conversations.models import Conversation, Message
from tests.announcements import listen
from tests.factories import make_person
from users.models import ChatUser

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


def talk(name: str, last: dt.datetime) -> ChatUser:
    person = make_person(name)
    write_message(NewMessage(person.pk, "visitor", "Hello", created_at=last))
    return person


def test_after_24_hours(db: None, told: list[Event]):
    ann, bob = talk("Ann", T), talk("Bob", T + SECOND)
    told.clear()
    assert close_idle(T + DAY) == 0
    assert close_idle(T + DAY + SECOND) == 1
    closed = ann.conversations.get()
    assert (closed.status, closed.closed_at, closed.unread_count) == ("closed", T + DAY, 1)
    assert bob.conversations.get().status == "open"
    assert told == [Event("conversation.changed", str(ann.uuid), {"id": closed.pk})]
    assert Message.objects.filter(sender="system").count() == 0
    assert close_idle(T + DAY + SECOND) == 0


def test_the_oldest_first_and_a_few_at_a_time(db: None):
    people = [talk(f"Person {number}", T + number * SECOND) for number in range(5)]
    assert close_idle(T + 2 * DAY, limit=2) == 2
    assert [person.conversations.get().status for person in people] == ["closed"] * 2 + ["open"] * 3
    assert [close_idle(T + 2 * DAY, limit=2) for _ in range(3)] == [2, 1, 0]


def test_the_erased_are_left_to_their_erasure(db: None, told: list[Event]):
    ann = talk("Ann", T)
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=T)
    told.clear()
    assert close_idle(T + 2 * DAY) == 0
    assert ann.conversations.get().status == "open"
    assert told == []


def test_one_that_went_on_meanwhile_stays_open(db: None, monkeypatch: pytest.MonkeyPatch):
    ann = talk("Ann", T)
    atomic = actions.transaction.atomic

    def write_first():  # type: ignore[no-untyped-def]
        Conversation.objects.filter(chat_user=ann).update(last_message_at=T + 2 * DAY)
        return atomic()

    monkeypatch.setattr(actions.transaction, "atomic", write_first)
    assert close_idle(T + 2 * DAY) == 0
    assert ann.conversations.get().status == "open"
