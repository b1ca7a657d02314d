"""bench/marks.py, bench/indexes.py: whose data these are, and that a bulk load leaves every index as it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from bench import clock, indexes, marks
from bench.places import NOW, RUNS, Size, place, scales_up_to
from conversations.demo import load_demo
from conversations.models import Message
from search.filters import UserFilters
from search.queries import find
from users.queries import living

pytestmark = pytest.mark.django_db
SIZE = Size(60, 900)


def load(**fields: Any) -> None:
    load_demo(users=60, messages=900, seed=7, now=NOW, **fields)


def definitions() -> dict[str, str]:
    """Every index, word index and trigger of people and messages, by name."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()")
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return dict(cursor.fetchall())


def test_indexes_are_out_of_the_way_and_come_back() -> None:
    before = definitions()
    with indexes.resting():
        gone = before.keys() - definitions().keys()
        assert {"message_history", "chatuser_name"} < gone
        words = "message_words" if connection.vendor == "postgresql" else "conversations_message_fts"
        assert words in gone
        load(signature="Northpine care")
        # In one transaction, as here, PostgreSQL makes no index while keys wait to be checked.
        connection.check_constraints()
    assert definitions() == before
    body = Message.objects.filter(body__endswith="Northpine care").latest("pk")
    found = find(UserFilters(QueryDict("in=messages&q=northpine"), queryset=living()))
    assert found.hits[body.chat_user_id].id == body.pk


def test_data_are_used_again_only_where_they_are_whole_and_of_the_same_making() -> None:
    assert marks.state(SIZE) == "foreign"
    wanted = marks.wanted(SIZE)
    marks.write(wanted)
    assert marks.state(SIZE) == "stale"
    marks.write(replace(wanted, is_complete=True))
    assert marks.state(SIZE) == "ready"
    assert marks.state(Size(60, 901)) == "stale"
    marks.write(replace(wanted, is_complete=True, spoken="otherwise"))
    assert marks.state(SIZE) == "stale"


def test_data_loaded_by_hand_are_taken_after_a_look() -> None:
    load()
    with pytest.raises(marks.NotOurs, match="60 people and 900 messages"):
        marks.adopt(Size(60, 901))
    mark = marks.adopt(SIZE)
    assert marks.state(SIZE) == "ready"
    assert (mark.signature, mark.rows) == ("", Message.objects.count())
    assert NOW - dt.timedelta(days=1) < mark.moment <= NOW
    Message.objects.filter(sender="visitor").update(tokens="cut otherwise")
    with pytest.raises(marks.NotOurs, match="other rules"):
        marks.adopt(SIZE)


def test_the_clock_stands_where_the_data_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import timezone

    monkeypatch.setattr(timezone, "now", timezone.now)
    clock.put_back(NOW)
    assert NOW <= timezone.now() < NOW + dt.timedelta(minutes=1)


def test_places_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATABASE_URL", "postgres://me:secret@db.example:5433/other?sslmode=require")
    monkeypatch.setenv("BENCH_NAME", "mine")
    assert place("postgresql", "full").url == "postgres://me:secret@db.example:5433/mine_full?sslmode=require"
    assert place("sqlite", "full").size == Size(200_000, 2_000_000)
    assert place("sqlite", "scratch").url != place("sqlite", "small").url
    assert scales_up_to("medium") == ["small", "medium"]
    assert RUNS == 5
