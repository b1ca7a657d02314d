"""The history as the profile reads it: order, paging, the lines between messages, where the unread begins."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from chatadmin.lib.paging import Cursor
from conversations.actions import mark_read, set_status
from conversations.history import AROUND_MESSAGES, ORDER, PAGE_MESSAGES, History, history
from conversations.models import Conversation, Message
from staff.models import Account
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def said(part: History) -> list[str]:
    return [item.message.body for item in part.items if item.message]


def shape(part: History) -> list[str]:
    return [item.message.body if item.message else item.what for item in part.items]


def chatter(person: ChatUser, count: int, start: dt.datetime = START) -> list[Message]:
    Conversation.objects.get_or_create(chat_user=person, defaults={"started_at": start})
    return make_messages(person, *(("visitor", f"line {number}") for number in range(count)), start=start)


def walk_back(person: ChatUser) -> list[History]:
    """All parts of a history, newest first."""
    parts = [history(person)]
    while parts[-1].older:
        parts.append(history(person, older=ORDER.decode(parts[-1].older)))
    return parts


def test_nobody_has_said_anything() -> None:
    part = history(make_person())
    assert part == History(items=[], older=None, newer=None)


def test_the_newest_fifty_come_first_and_the_rest_by_links_without_a_gap() -> None:
    person = make_person()
    chatter(person, 2 * PAGE_MESSAGES + 7)
    parts = walk_back(person)
    assert [len(said(part)) for part in parts] == [PAGE_MESSAGES, PAGE_MESSAGES, 7]
    assert said(parts[0])[-1] == f"line {2 * PAGE_MESSAGES + 6}"
    backwards = [body for part in reversed(parts) for body in said(part)]
    assert backwards == [f"line {number}" for number in range(2 * PAGE_MESSAGES + 7)]


def test_newer_parts_lead_back_to_the_end() -> None:
    person = make_person()
    chatter(person, 2 * PAGE_MESSAGES + 7)
    oldest = walk_back(person)[-1]
    assert oldest.newer
    following = history(person, newer=ORDER.decode(oldest.newer))
    assert said(following)[0] == "line 7"
    assert following.newer
    last = history(person, newer=ORDER.decode(following.newer))
    assert said(last)[-1] == f"line {2 * PAGE_MESSAGES + 6}"
    assert last.newer is None


def test_messages_of_one_moment_are_in_the_order_of_their_ids() -> None:
    person = make_person()
    conversation = Conversation.objects.create(chat_user=person, started_at=START)
    for number in range(PAGE_MESSAGES + 3):
        Message.objects.create(
            conversation=conversation, chat_user=person, sender="visitor", body=f"{number}", created_at=START
        )
    parts = walk_back(person)
    assert [body for part in reversed(parts) for body in said(part)] == [
        f"{number}" for number in range(PAGE_MESSAGES + 3)
    ]


def test_imported_messages_stand_by_their_time_not_their_id() -> None:
    person = make_person()
    chatter(person, 2)
    conversation = Conversation.objects.get(chat_user=person)
    Message.objects.create(
        pk=-5,
        conversation=conversation,
        chat_user=person,
        sender="visitor",
        body="imported",
        created_at=START - dt.timedelta(days=400),
    )
    assert said(history(person)) == ["imported", "line 0", "line 1"]


def test_another_persons_messages_stay_theirs() -> None:
    person, other = make_person(), make_person()
    mine, theirs = chatter(person, 2), chatter(other, 1)
    assert said(history(person)) == ["line 0", "line 1"]
    assert history(person, at=theirs[0].pk).found is None
    assert history(person, at=mine[0].pk).found == mine[0].pk


def test_the_part_around_a_message_leads_both_ways() -> None:
    person = make_person()
    messages = chatter(person, 3 * PAGE_MESSAGES)
    middle = messages[80]
    part = history(person, at=middle.pk)
    assert part.found == middle.pk
    assert said(part) == [f"line {n}" for n in range(80 - AROUND_MESSAGES, 80 + AROUND_MESSAGES + 1)]
    assert part.older
    assert said(history(person, older=ORDER.decode(part.older)))[-1] == f"line {79 - AROUND_MESSAGES}"
    assert part.newer
    assert said(history(person, newer=ORDER.decode(part.newer)))[0] == f"line {81 + AROUND_MESSAGES}"


def test_conversations_open_and_close_where_they_did() -> None:
    person = make_person()
    first = Conversation.objects.create(
        chat_user=person,
        started_at=START,
        status="closed",
        closed_at=START + dt.timedelta(hours=2),
    )
    second = Conversation.objects.create(chat_user=person, started_at=START + dt.timedelta(hours=5))
    for at, conversation, body in ((0, first, "one"), (1, first, "two"), (5, second, "three")):
        Message.objects.create(
            conversation=conversation,
            chat_user=person,
            sender="visitor",
            body=body,
            created_at=START + dt.timedelta(hours=at),
        )
    assert shape(history(person)) == ["day", "opened", "one", "two", "closed", "opened", "three"]


def test_each_opening_and_closing_is_on_exactly_one_part() -> None:
    person = make_person()
    for number in range(60):
        at = START + dt.timedelta(hours=number)
        conversation = Conversation.objects.create(
            chat_user=person, started_at=at, status="closed", closed_at=at + dt.timedelta(minutes=30)
        )
        for minutes in (0, 10):
            Message.objects.create(
                conversation=conversation,
                chat_user=person,
                sender="visitor",
                body="hello",
                created_at=at + dt.timedelta(minutes=minutes),
            )
    parts = walk_back(person)
    assert len(parts) == 3
    rows = [what for part in reversed(parts) for what in shape(part) if what != "day"]
    assert rows == ["opened", "hello", "hello", "closed"] * 60


def test_closing_by_hand_is_said_once(support: Account) -> None:
    person = make_person()
    chatter(person, 1, start=timezone.now())
    set_status(conversation_id=Conversation.objects.get().pk, status="closed", actor=support)
    assert shape(history(person)) == ["day", "opened", "unread", "line 0", "Conversation closed"]


def test_days_are_the_viewers() -> None:
    person = make_person()
    messages = chatter(person, 2, start=dt.datetime(2026, 3, 2, 23, 59, tzinfo=dt.UTC))
    mark_read(chat_user_id=person.pk, side="staff", up_to=messages[-1].pk)
    person.refresh_from_db()
    assert shape(history(person)) == ["day", "opened", "line 0", "day", "line 1"]
    with timezone.override("Asia/Tokyo"):
        assert shape(history(person)) == ["day", "opened", "line 0", "line 1"]


def test_a_line_stands_where_the_unread_begins() -> None:
    person = make_person()
    messages = chatter(person, 4)
    mark_read(chat_user_id=person.pk, side="staff", up_to=messages[1].pk)
    person.refresh_from_db()
    part = history(person)
    assert shape(part) == ["day", "opened", "line 0", "line 1", "unread", "line 2", "line 3"]
    assert next(item.count for item in part.items if item.what == "unread") == 2
    assert part.unread_above is None


def test_without_unread_messages_there_is_no_line() -> None:
    person = make_person()
    messages = chatter(person, 2)
    assert "unread" in shape(history(person))
    mark_read(chat_user_id=person.pk, side="staff", up_to=messages[-1].pk)
    person.refresh_from_db()
    assert "unread" not in shape(history(person))


def test_unread_messages_above_the_part_are_named() -> None:
    person = make_person()
    messages = chatter(person, PAGE_MESSAGES + 10)
    part = history(person)
    assert "unread" not in shape(part)
    assert part.unread_above == messages[0].pk
    assert "unread" in shape(history(person, at=part.unread_above))


def test_a_cursor_past_the_beginning_gives_nothing() -> None:
    person = make_person()
    chatter(person, 2)
    assert history(person, older=Cursor(START - dt.timedelta(days=1), 0)).items == []


@pytest.mark.parametrize("count", [1, PAGE_MESSAGES])
def test_the_number_of_queries_is_constant(count: int, django_assert_num_queries) -> None:
    person = make_person()
    chatter(person, count + PAGE_MESSAGES)
    person.refresh_from_db()
    newest = history(person)
    assert newest.older
    with django_assert_num_queries(3):
        assert len(said(history(person, older=ORDER.decode(newest.older)))) == count
