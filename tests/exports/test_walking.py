"""How an export reads: in chunks along an index, few queries for many conversations, times as text."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatadmin.lib.hints import along_index
from conversations.models import Conversation, Message
from exports.as_json import lines
from exports.as_text import moment, packed
from exports.moments import MomentText
from exports.reading import Reader
from exports.register import BY_NAME, CHILDREN
from exports.stream import Form, export
from exports.walking import index_of
from tests.exports.people import START
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
ALONG_TIME = [declared for declared in CHILDREN if declared.order != ("pk",)]


def talk(person: ChatUser, *bodies: str, start: dt.datetime = START, gap: float = 60) -> Conversation:
    conversation = Conversation.objects.create(
        chat_user=person, started_at=start, status="closed", closed_at=start, last_message_at=start
    )
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            chat_user=person,
            sender="visitor",
            body=body,
            created_at=start + dt.timedelta(seconds=place * gap),
        )
        for place, body in enumerate(bodies)
    )
    return conversation


def said(person: ChatUser) -> list[list[str]]:
    made = json.loads(b"".join(export(person, Form.JSON).blocks))
    return [[message["body"] for message in each["messages"]] for each in made["conversations"]]


@pytest.mark.parametrize("declared", ALONG_TIME, ids=lambda declared: declared.name)
def test_what_has_times_has_an_index_along_them(declared) -> None:
    assert index_of(declared) is not None
    assert index_of(BY_NAME["tags"]) is None


@pytest.mark.parametrize("declared", ALONG_TIME, ids=lambda declared: declared.name)
def test_every_chunk_is_read_along_that_index(declared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", 2)
    person = make_person("Ana")
    for number in range(5):
        _add(declared.name, person, START + dt.timedelta(minutes=number))
    with CaptureQueriesContext(connection) as asked:
        assert len(list(Reader(person).rows(declared.name))) == 5
    table = declared.model._meta.db_table
    reads = [
        query["sql"] for query in asked if f'FROM "{table}"' in query["sql"] and "LIMIT 2" in query["sql"]
    ]
    assert len(reads) == 3
    for read in reads:
        found = _plan(read)
        assert index_of(declared) in found
        assert "TEMP B-TREE" not in found and "Sort" not in found


def _add(name: str, person: ChatUser, at: dt.datetime) -> None:
    if name == "messages":
        make_messages(person, ("visitor", "Hello"), start=at)
    elif name == "conversations":
        talk(person, start=at)
    elif name == "notes":
        person.notes.create(author_name="Dana", body="VIP", created_at=at)
    elif name == "visits":
        person.visits.create(started_at=at, ended_at=at, how_ended="left")
    else:
        person.events.create(kind="page", at=at)


def _plan(statement: str) -> str:
    ask = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with along_index(), connection.cursor() as cursor:
        cursor.execute(f"{ask} {statement}")
        return "\n".join(str(line[-1]) for line in cursor.fetchall())


def test_what_is_told_for_an_export_ends_with_it() -> None:
    if connection.vendor != "postgresql":
        with along_index():
            assert list(ChatUser.objects.all()) == []
        return

    def may_sort() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_sort")
            return cursor.fetchone()[0]

    with along_index():
        assert may_sort() == "off"
    assert may_sort() == "on"


def test_many_short_conversations_are_few_queries(django_assert_max_num_queries: Any) -> None:
    person = make_person("Ana")
    for number in range(60):
        talk(person, f"{number} hello", f"{number} bye", start=START + dt.timedelta(hours=number))
    with django_assert_max_num_queries(45):
        found = said(person)
    assert found == [[f"{number} hello", f"{number} bye"] for number in range(60)]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 1_000])
def test_long_and_short_ones_in_any_mixture(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", rows)
    monkeypatch.setattr("exports.reading.CHUNK_CONVERSATIONS", 3)
    person, other = make_person("Ana"), make_person("Bo")
    wanted = []
    for number, length in enumerate((1, 0, 7, 2, 2, 1, 9, 0, 3)):
        # Each goes on while the next ones begin.
        bodies = [f"{number}-{place}" for place in range(length)]
        talk(person, *bodies, start=START + dt.timedelta(minutes=number))
        talk(other, *bodies, start=START + dt.timedelta(minutes=number))
        wanted.append(bodies)
    assert said(person) == wanted


def test_what_is_said_in_an_old_conversation_after_the_start_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for rows in (1, 1_000):
        monkeypatch.setattr("exports.reading.CHUNK_ROWS", rows)
        person = make_person("Ana")
        conversation = talk(person, "one", "two")
        blocks = export(person, Form.JSON).blocks
        Message.objects.create(
            conversation=conversation, chat_user=person, sender="staff", body="three", created_at=START
        )
        made = json.loads(b"".join(blocks))
        assert [message["body"] for message in made["conversations"][0]["messages"]] == ["one", "two"]


@pytest.mark.parametrize(
    "at",
    [
        START,
        START.replace(microsecond=0),
        START.replace(microsecond=1),
        START.replace(microsecond=999_999),
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 29, 3, 30, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=45))),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
    ],
)
def test_the_database_writes_times_as_python_does(at: dt.datetime) -> None:
    person = make_person("Ana", first_seen=at, blocked_at=None)
    asked = ChatUser.objects.filter(pk=person.pk).values_list(
        MomentText("first_seen"), MomentText("blocked_at")
    )
    assert list(asked) == [(moment(at), None)]


def test_lines_are_rows_as_json() -> None:
    headers = ("id", "from", "data")
    rows = [(1, 'a\nb\r\u2028\x00"\\/ü🎉', None), (2, "", {"x": [True, 0.5, 2**60]})]
    for last in ({"half": "whole"}, {"half": "\ud83d"}):
        made = lines(headers, [*rows, (3, "c", last)])
        each = [dict(zip(headers, row, strict=True)) for row in [*rows, (3, "c", last)]]
        assert made == b",\n".join(packed(row) for row in each)
        assert json.loads(b"[%s]" % made) == each
    assert len(re.findall(rb"\n", made)) == 2
