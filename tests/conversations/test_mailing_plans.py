"""The sweep's cost: along an index of the waiting replies, by people, and few queries however many wait."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from chatadmin.jobs import MAILS, SCHEDULE
from chatadmin.lib.paging import Cursor, beyond
from conversations import mailing
from conversations.mailing import mail_unread, unmailed, unmailed_of
from conversations.models import Conversation, Message, Sender
from tests.factories import make_person
from tests.mails import make_waiting, switch_on
from users.models import ChatUser

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
MANY = 5_000


def fill(count: int, *, age: dt.timedelta, **fields: object) -> None:
    """People with one reply of ours each, of that age."""
    people = ChatUser.objects.bulk_create(ChatUser(name=f"{number}") for number in range(count))
    talks = Conversation.objects.bulk_create(Conversation(chat_user=person) for person in people)
    at = timezone.now() - age
    Message.objects.bulk_create(
        Message(conversation=talk, chat_user=talk.chat_user, sender=Sender.STAFF, created_at=at, **fields)
        for talk in talks
    )


def plan(rows: QuerySet[Message]) -> str:
    """How the database finds `rows`, knowing how many there are of each kind."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":  # of a few rows it would rather sort them than walk
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    return str(rows.explain())


def in_turn() -> QuerySet[Message]:
    """What the sweep reads first."""
    now = timezone.now()
    rows = unmailed().filter(created_at__lte=now - mailing.WAIT).order_by("created_at", "id")
    rows = rows.filter(beyond("created_at", Cursor(now - mailing.OLDEST, 0), descending=False))
    return rows.values_list("created_at", "id", "chat_user_id")[: mailing.LOOKED_AT]  # type: ignore[return-value]


def test_the_waiting_are_one_walk_along_their_index() -> None:
    fill(MANY, age=dt.timedelta(days=3))
    fill(MANY, age=dt.timedelta(hours=1), read_at=timezone.now())
    fill(20, age=dt.timedelta(hours=1))
    assert len(in_turn()) == 20
    found = plan(in_turn())
    assert "message_unmailed" in found
    for word in ("SCAN conversations", "TEMP B-TREE", "Seq Scan", "Sort"):
        assert word not in found


def test_one_persons_are_found_by_the_person() -> None:
    fill(MANY, age=dt.timedelta(hours=1))
    person, _ = make_waiting("One", "Two")
    rows = unmailed_of(person, timezone.now())
    assert [message.body for message in rows] == ["One", "Two"]
    found = plan(rows)
    assert any(index in found for index in ("message_history", "message_resume", "message_idempotency"))
    assert "message_unmailed" not in found and "Seq Scan" not in found and "SCAN conversations" not in found


def test_thousands_who_cannot_be_mailed_cost_two_queries_a_thousand(settings: Settings) -> None:
    switch_on(settings)
    fill(2_500, age=dt.timedelta(hours=2))
    person, _ = make_waiting()
    with CaptureQueriesContext(connection) as first:
        assert mail_unread() == 1
    assert [message.to for message in mail.outbox] == [[person.email]]
    with CaptureQueriesContext(connection) as again:
        assert mail_unread() == 0
    # The widget, and for each of three pages the replies and their people.
    assert len(again) == 1 + 3 * 2
    assert len(first) < len(again) + 25


def test_where_nobody_waits_it_is_two_queries(settings: Settings) -> None:
    switch_on(settings)
    make_person("Ada")
    with CaptureQueriesContext(connection) as queries:
        assert mail_unread() == 0
    assert len(queries) == 2


def test_where_it_is_off_nothing_is_read(settings: Settings) -> None:
    switch_on(settings)
    settings.PUBLIC_URL = ""
    with CaptureQueriesContext(connection) as queries:
        assert mail_unread() == 0
    assert len(queries) == 0


def test_it_is_among_the_sweeps_and_in_a_thread_of_its_own() -> None:
    assert [sweep.run for sweep in MAILS.sweeps] == [mail_unread]
    assert mail_unread not in [sweep.run for sweep in SCHEDULE.sweeps]
