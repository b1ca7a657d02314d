"""What is due is found along an index of its own on either database."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from exports import retention_due
from exports.retention_models import What, Whose
from tests.factories import make_messages, make_person

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]


def plan(queryset: QuerySet[Any]) -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A few rows are read faster without an index; what is asked is whether it can serve.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        return queryset.explain()


@pytest.fixture
def before() -> dt.datetime:
    for number in range(20):
        person = make_person("", last_active=timezone.now() - dt.timedelta(days=number))
        make_messages(person, ("visitor", "Hello?"))
    return timezone.now() - dt.timedelta(days=5)


@pytest.mark.parametrize("whose", Whose.values)
def test_people_are_walked_along_what_the_rule_goes_by(whose: str, before: dt.datetime) -> None:
    for walk in retention_due.inactive_walks(whose, before):
        found = plan(walk[:20])
        assert "chatuser_last_active" in found
        assert "TEMP B-TREE" not in found
    found = plan(retention_due.talkers_walk(whose, before)[:20])
    assert "chatuser_first_contact" in found
    assert "TEMP B-TREE" not in found


def test_rows_are_walked_by_their_age(before: dt.datetime) -> None:
    for what, index in ((What.VISITS, "visit_ended"), (What.ACTIVITY, "event_oldest")):
        found = plan(retention_due.aged(what, before)[:20])
        assert index in found
        assert "TEMP B-TREE" not in found
    assert "audit_newest" in plan(retention_due.audit_lines(before).order_by("at", "pk")[:20])
