"""The CSV export: a ZIP with a table for each kind and a manifest that vouches for them."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import zipfile

import pytest

from exports.cells import restore
from exports.stream import Form, export
from staff import audit
from staff.models import Account
from tests.exports.people import make_marked
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db
KINDS = [
    "profile",
    "visits",
    "conversations",
    "messages",
    "activity",
    "tags",
    "notes",
    "merges",
    "requests",
    "accesses",
]


def archive(person: ChatUser) -> zipfile.ZipFile:
    person = ChatUser.objects.get(pk=person.pk)
    return zipfile.ZipFile(io.BytesIO(b"".join(export(person, Form.CSV).blocks)))


def rows(zipped: zipfile.ZipFile, kind: str) -> list[dict[str, str]]:
    text = zipped.read(f"{kind}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_file_for_each_kind_and_everything_in_them(admin: Account) -> None:
    marked, other = make_marked("zebrafin"), make_marked("quokkabay")
    audit.record(actor=admin, verb="user.viewed", person=marked.person.uuid)
    zipped = archive(marked.person)
    assert zipped.testzip() is None
    assert sorted(zipped.namelist()) == sorted([*(f"{kind}.csv" for kind in KINDS), "manifest.json"])
    text = "".join(zipped.read(name).decode() for name in zipped.namelist())
    assert [mark for mark in marked.marks if mark not in text] == ["tokenhashzebrafin"]
    assert not [mark for mark in other.marks if mark in text]
    assert {kind: len(rows(zipped, kind)) for kind in KINDS} == {
        **dict.fromkeys(KINDS, 1),
        "conversations": 2,
        "messages": 5,
    }


def test_the_manifest_vouches_for_every_file() -> None:
    zipped = archive(make_marked("zebrafin").person)
    manifest = json.loads(zipped.read("manifest.json"))
    assert manifest["schema"] == "chatadmin.user/1"
    assert dt.datetime.fromisoformat(manifest["exported_at"]).tzinfo == dt.UTC
    assert manifest["files"] == {
        f"{kind}.csv": {
            "count": len(rows(zipped, kind)),
            "sha256": hashlib.sha256(zipped.read(f"{kind}.csv")).hexdigest(),
        }
        for kind in KINDS
    }


def test_messages_as_cells() -> None:
    person = make_marked("zebrafin").person
    first, reply, *_, file = rows(archive(person), "messages")
    assert list(first) == ["id", "conversation", "from", "kind", "body", "data", "at", "author", "read_at"]
    assert first["at"] == "2026-03-01T09:30:15.250000Z"
    assert (first["data"], first["read_at"]) == ("", "")
    assert reply["body"] == '\'=1+1 is not a formula\r\nsecond line, "quoted"'
    assert restore(reply["body"]) == person.messages.order_by("created_at", "id")[1].body
    assert json.loads(file["data"])["size"] == 371_000
    assert reply["conversation"] != file["conversation"]


def test_the_tables_are_rfc_4180_with_a_byte_order_mark() -> None:
    raw = archive(make_marked("zebrafin").person).read("messages.csv")
    assert raw.startswith(b"\xef\xbb\xbfid,conversation,")
    assert raw.endswith(b"\r\n")
    plain = make_person("Ana")
    make_messages(plain, ("visitor", "one"), ("visitor", "a\nb"))
    raw = archive(plain).read("messages.csv")
    assert raw.replace(b'"a\nb"', b"").count(b"\n") == raw.count(b"\r\n") == 3


def test_a_name_that_is_a_formula_is_kept_from_running() -> None:
    person = make_person("@SUM(A1:A9)", "=cmd@evil.example", traits={"a": 1})
    [profile] = rows(archive(person), "profile")
    assert (profile["name"], profile["email"]) == ("'@SUM(A1:A9)", "'=cmd@evil.example")
    assert (profile["verified"], profile["message_count"], profile["external_id"]) == ("false", "0", "")


def test_large_tables_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.as_csv.DRAIN_ROWS", 7)
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", 5)
    monkeypatch.setattr("exports.stream.BLOCK_BYTES", 1)
    person = make_person("Ana")
    said = [f"message {number}" for number in range(23)]
    make_messages(person, *[("visitor", body) for body in said])
    assert len(list(export(person, Form.CSV).blocks)) > 5
    zipped = archive(person)
    assert [row["body"] for row in rows(zipped, "messages")] == said
    assert json.loads(zipped.read("manifest.json"))["files"]["messages.csv"]["count"] == 23
