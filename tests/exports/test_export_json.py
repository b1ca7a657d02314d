"""The JSON export: everything about one person, and about nobody else."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import Any

import pytest

from conversations.models import ActivityEvent, Conversation, Message
from exports.stream import Form, PersonGone, export
from staff import audit
from staff.models import Account
from tests.exports.people import START, make_marked
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser

pytestmark = pytest.mark.django_db
TOP = [
    "schema",
    "exported_at",
    "left_out",
    "profile",
    "visits",
    "conversations",
    "activity",
    "tags",
    "notes",
    "merges",
    "requests",
    "accesses",
]


def exported(person: ChatUser) -> tuple[str, dict[str, Any]]:
    text = b"".join(export(ChatUser.objects.get(pk=person.pk), Form.JSON).blocks).decode()
    return text, json.loads(text)


def test_everything_about_a_person_is_in_it(admin: Account) -> None:
    marked, other = make_marked("zebrafin"), make_marked("quokkabay")
    audit.record(actor=admin, verb="user.viewed", person=marked.person.uuid)
    audit.record(actor=admin, verb="user.viewed", person=other.person.uuid)
    text, made = exported(marked.person)
    assert list(made) == TOP
    assert made["schema"] == "chatadmin.user/1"
    assert [mark for mark in marked.marks if mark not in text] == ["tokenhashzebrafin"], (
        "a secret stays inside"
    )
    assert not [mark for mark in other.marks if mark in text]
    assert [
        len(made[name]) for name in ("visits", "conversations", "activity", "tags", "notes", "merges")
    ] == [
        1,
        2,
        1,
        1,
        1,
        1,
    ]
    [access] = made["accesses"]
    assert access | {"at": ""} == {"at": "", "actor": "Dana Whitfield", "verb": "user.viewed", "detail": {}}


def test_the_profile(admin: Account) -> None:
    person = make_marked("zebrafin").person
    _, made = exported(person)
    profile = made["profile"]
    assert profile["uuid"] == str(person.uuid)
    assert profile["name"] == "namezebrafin Okafor"
    assert profile["email"] == "emailzebrafin@northpine.example"
    assert profile["external_id"] == "extidzebrafin"
    assert profile["verified"] is True
    assert profile["identified_at"] == profile["first_contact"] == "2026-03-01T09:30:15.250000Z"
    assert profile["traits"] == {"plan": "traitzebrafin", "seats": 12}
    assert (profile["message_count"], profile["visit_count"], profile["is_vip"]) == (4, 1, True)
    assert (profile["browser"], profile["os"]) == ("browserzebrafin", "Windows")
    assert profile["blocked_at"] is None


def test_messages_are_as_the_contract_says() -> None:
    person = make_marked("zebrafin").person
    _, made = exported(person)
    first, second = made["conversations"]
    assert (first["status"], second["status"]) == ("closed", "open")
    assert first["closed_at"] == "2026-03-01T11:30:15.250000Z"
    hello, reply = first["messages"]
    assert list(hello) == ["id", "from", "kind", "body", "data", "at", "author", "read_at"]
    assert hello["from"] == "visitor"
    assert hello["body"] == "Hello, this is bodyzebrafin — ça va? ありがとう 🎉"
    assert hello["at"] == "2026-03-01T09:30:15.250000Z"
    assert (reply["from"], reply["author"]) == ("staff", "Dana")
    assert reply["body"] == '=1+1 is not a formula\r\nsecond line, "quoted"'
    assert [message["from"] for message in second["messages"]] == ["visitor", "system", "visitor"]
    file = second["messages"][2]
    assert file["kind"] == "file"
    assert file["data"]["name"] == "datazebrafin.pdf"


def test_times_are_utc_everywhere() -> None:
    text, _ = exported(make_marked("zebrafin").person)
    times = re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', text)
    assert len(times) > 15
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", time) for time in times)


def test_a_person_of_whom_nothing_is_known() -> None:
    _, made = exported(make_person())
    assert made["profile"]["name"] == ""
    assert made["profile"]["external_id"] is None
    assert all(made[name] == [] for name in TOP[4:])


def test_every_row_is_there_once_in_order_over_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", 3)
    monkeypatch.setattr("exports.reading.CHUNK_CONVERSATIONS", 2)
    person = make_person("Ana")
    bodies: list[list[str]] = []
    for number in range(5):
        said = [f"{number}-{at}" for at in range(number * 2)]
        bodies.append(said)
        opened = START + dt.timedelta(days=number)
        conversation = Conversation.objects.create(
            chat_user=person, started_at=opened, status="closed", closed_at=opened, last_message_at=opened
        )
        # Pairs at the same moment: the id is the tie-break.
        Message.objects.bulk_create(
            Message(
                conversation=conversation,
                chat_user=person,
                sender="visitor",
                body=body,
                created_at=opened + dt.timedelta(minutes=at // 2),
            )
            for at, body in enumerate(said)
        )
    ActivityEvent.objects.bulk_create(
        ActivityEvent(chat_user=person, kind="page", at=START, data={"n": number}) for number in range(10)
    )
    _, made = exported(person)
    assert [[m["body"] for m in c["messages"]] for c in made["conversations"]] == bodies
    assert [event["data"]["n"] for event in made["activity"]] == list(range(10))


def test_conversations_that_overlap_in_time_keep_their_own_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", 2)
    person = make_person("Ana")
    talks = [
        Conversation.objects.create(chat_user=person, started_at=START, status="closed", closed_at=START)
        for _ in range(2)
    ]
    for at in range(10):
        Message.objects.create(
            conversation=talks[at % 2],
            chat_user=person,
            sender="visitor",
            body=str(at),
            created_at=START + dt.timedelta(seconds=at),
        )
    _, made = exported(person)
    assert [[m["body"] for m in c["messages"]] for c in made["conversations"]] == [
        list("02468"),
        list("13579"),
    ]


def test_what_comes_after_the_start_is_not_in_it() -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "before"))
    blocks = export(person, Form.JSON).blocks
    make_messages(person, ("visitor", "after"))
    make_visit(person)
    made = json.loads(b"".join(blocks))
    assert [message["body"] for message in made["conversations"][0]["messages"]] == ["before"]
    assert made["visits"] == []


def test_half_a_surrogate_pair_in_a_trait_stays_valid_text() -> None:
    person = make_person("Ana")
    broken = {"name": "\ud83d", "n": 2**70, "f": -0.5}
    text, made = exported(person)
    assert made["profile"]["traits"] == {}
    person.traits = broken
    blocks = export(person, Form.JSON).blocks
    text = b"".join(blocks).decode("utf-8")
    assert json.loads(text)["profile"]["traits"] == broken


def test_it_breaks_off_when_the_person_is_erased_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.stream.BLOCK_BYTES", 1)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"said {number}") for number in range(3)])
    blocks = export(person, Form.JSON).blocks
    next(blocks)
    ChatUser.objects.filter(pk=person.pk).update(erased_at=START)
    with pytest.raises(PersonGone):
        next(blocks)


def test_what_an_earlier_visitors_line_says_is_among_the_accesses(admin: Account) -> None:
    marked = make_marked("zebrafin")
    joined = marked.person.merges.get().merged_uuid
    audit.record(actor=admin, verb="user.viewed", person=joined)
    audit.record(actor=admin, verb="user.exported", person=marked.person.uuid, detail={"format": "csv"})
    audit.record(actor=admin, verb="user.blocked", person=uuid.uuid4())
    _, made = exported(marked.person)
    assert [access["verb"] for access in made["accesses"]] == ["user.viewed", "user.exported"]
    assert made["accesses"][1]["detail"] == {"format": "csv"}


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries: Any) -> None:
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"said {number}") for number in range(60)])
    with django_assert_max_num_queries(45):
        _, made = exported(person)
    assert len(made["conversations"][0]["messages"]) == 60
