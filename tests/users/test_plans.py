"""What the profile reads comes from an index of that person's rows, on either database."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet

from conversations.history import messages_of
from conversations.models import Sender
from staff.audit import entries_about
from tests.factories import make_person
from users.models import ChatUser

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]


def plan(rows: QuerySet) -> str:
    """How the database would find the first 51 of `rows`, if it had more than the few of a test."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    return str(rows[:51].explain())


def history(person: ChatUser) -> QuerySet:
    return messages_of(person).order_by("-created_at", "-pk")


def unread(person: ChatUser) -> QuerySet:
    return messages_of(person).filter(sender=Sender.VISITOR, read_at=None).order_by("pk")


def events(person: ChatUser) -> QuerySet:
    return person.events.order_by("-at", "-pk")


def visits(person: ChatUser) -> QuerySet:
    return person.visits.order_by("-started_at", "-pk")


def notes(person: ChatUser) -> QuerySet:
    return person.notes.order_by("-created_at", "-pk")


def access(person: ChatUser) -> QuerySet:
    return entries_about(person.uuid)


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (history, "message_history"),
        (unread, "message_unread"),
        (events, "event_timeline"),
        (visits, "visit_of_person"),
        (notes, "note_of_person"),
        (access, "audit_person"),
    ],
)
def test_each_is_one_walk_along_its_index(read, index: str) -> None:
    found = plan(read(make_person("Ada")))
    assert index in found
    assert "SCAN" not in found
    assert "TEMP B-TREE" not in found
    assert "Sort" not in found
