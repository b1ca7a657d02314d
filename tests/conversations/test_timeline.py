"""The activity timeline: three sources in one order, page by page, without a gap and without anything twice."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from conversations.models import ActivityEvent, Conversation, EventKind, Message
from conversations.timeline import (
    EXCERPT_CHARS,
    ORDER,
    PAGE_ENTRIES,
    Entry,
    entry_of_event,
    entry_of_message,
    timeline,
)
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def minutes(number: int) -> dt.datetime:
    return START + dt.timedelta(minutes=number)


def make_event(person: ChatUser, kind: str, at: dt.datetime, **fields) -> ActivityEvent:
    return ActivityEvent.objects.create(chat_user=person, kind=kind, at=at, **fields)


def walk(person: ChatUser) -> list[Entry]:
    """Every entry, over all pages."""
    part = timeline(person)
    entries = list(part.entries)
    while part.after:
        part = timeline(person, after=ORDER.decode(part.after))
        entries += part.entries
    return entries


def test_nothing_happened() -> None:
    part = timeline(make_person())
    assert (part.entries, part.after) == ([], None)


def test_visits_events_and_messages_are_one_story_newest_first() -> None:
    person = make_person()
    make_visit(
        person,
        started_at=minutes(0),
        ended_at=minutes(9),
        landing_url="https://site.example/",
        browser="Firefox",
    )
    make_event(
        person, EventKind.PAGE, minutes(1), data={"url": "https://site.example/pricing", "title": "Pricing"}
    )
    make_event(person, EventKind.WIDGET_OPENED, minutes(2))
    make_messages(person, ("visitor", "Hello?"), ("staff", "Hello!"), start=minutes(3))
    make_event(person, EventKind.IDENTIFIED, minutes(5), data={"fields": ["name", "email"]})
    make_event(person, EventKind.WIDGET_CLOSED, minutes(6))
    make_visit(person, started_at=minutes(60), referrer="https://search.example/")
    entries = timeline(person).entries
    assert [entry.event for entry in entries] == [
        "visit",
        "widget_closed",
        "identified",
        "response_received",
        "message_sent",
        "widget_opened",
        "page",
        "first_visit",
    ]
    assert entries[0].referrer == "https://search.example/"
    assert entries[2].text == "name, e-mail"
    assert (entries[6].title, entries[6].url) == ("Pricing", "https://site.example/pricing")
    assert (entries[7].url, entries[7].device) == ("https://site.example/", "Firefox")


def test_a_visit_that_has_an_event_too_is_told_once() -> None:
    person = make_person()
    visit = make_visit(person, started_at=START)
    event = make_event(person, EventKind.FIRST_VISIT, START, visit=visit)
    entries = timeline(person).entries
    assert [entry.event for entry in entries] == ["first_visit"]
    assert entry_of_event(event).key == entries[0].key


@pytest.mark.parametrize(
    ("data", "text"),
    [({"replies": 1}, "1 reply"), ({"replies": 3}, "3 replies"), ({"replies": "x"}, "0 replies")],
)
def test_a_mail_says_how_many_replies_were_in_it(data: dict[str, object], text: str) -> None:
    person = make_person()
    make_event(person, EventKind.MAILED, START, data=data)
    (entry,) = timeline(person).entries
    assert (entry.event, entry.label) == ("mailed", "Was sent unread replies by e-mail")
    assert entry.text == text


def test_system_lines_are_nobodys_doing() -> None:
    person = make_person()
    make_messages(person, ("visitor", "Hello?"), ("system", "Conversation closed"), ("bot", "Anything else?"))
    assert [entry.event for entry in timeline(person).entries] == ["response_received", "message_sent"]


def test_a_long_message_is_cut_and_a_file_is_named() -> None:
    person = make_person()
    long, file = make_messages(person, ("visitor", "a" * 500), ("visitor", ""))
    file.kind, file.data = "file", {"name": "invoice.pdf"}
    assert entry_of_message(long).text == "a" * EXCERPT_CHARS + "…"
    assert entry_of_message(file).text == "invoice.pdf"


def test_pages_follow_each_other_without_a_gap_and_without_anything_twice() -> None:
    person = make_person()
    conversation = Conversation.objects.create(chat_user=person, started_at=START)
    for number in range(70):
        make_event(person, EventKind.PAGE, minutes(number), data={"url": f"https://site.example/{number}"})
        Message.objects.create(
            conversation=conversation,
            chat_user=person,
            sender="visitor",
            body=f"{number}",
            created_at=minutes(number),
        )
        if number % 10 == 0:
            make_visit(person, started_at=minutes(number), ended_at=minutes(number))
    entries = walk(person)
    assert len(entries) == 147
    assert len({entry.key for entry in entries}) == 147
    assert all(older.at <= newer.at for newer, older in itertools.pairwise(entries))


def test_of_one_moment_every_entry_is_there_once() -> None:
    person = make_person()
    conversation = Conversation.objects.create(chat_user=person, started_at=START)
    for number in range(PAGE_ENTRIES + 5):
        make_event(person, EventKind.PAGE, START)
        Message.objects.create(
            pk=-1 - number,
            conversation=conversation,
            chat_user=person,
            sender="staff",
            body="x",
            created_at=START,
        )
    make_visit(person, started_at=START)
    entries = walk(person)
    assert len(entries) == len({entry.key for entry in entries}) == 2 * (PAGE_ENTRIES + 5) + 1


def test_another_persons_doings_stay_theirs() -> None:
    person, other = make_person(), make_person()
    make_event(other, EventKind.PAGE, START)
    make_messages(other, ("visitor", "Hello?"))
    make_visit(other, started_at=START)
    assert timeline(person).entries == []
    assert len(timeline(other).entries) == 3


@pytest.mark.parametrize("count", [1, 50])
def test_the_number_of_queries_is_constant(count: int, django_assert_num_queries) -> None:
    person = make_person()
    make_visit(person, started_at=START)
    for number in range(count):
        make_event(person, EventKind.PAGE, minutes(number))
    make_messages(person, *(("staff", "Hello!") for _ in range(count)))
    with django_assert_num_queries(4):
        assert timeline(person).entries
