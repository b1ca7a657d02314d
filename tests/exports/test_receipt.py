"""Receipts: what they say, that they name nobody, and that a forged one is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from chatadmin.lib import redis_store, signatures
from conversations.models import Message
from exports import approvals, mentions, receipts
from exports.erasure import erase, resume_unfinished
from exports.erasure_queries import UNSOUGHT
from exports.models import Erasure
from exports.register import REGISTER
from exports.residue import WHERE
from exports.tombstones import Asked, bury, withdrawing
from staff import audit
from staff.models import Account
from staff.policy import change_policy
from tests.exports.people import make_marked
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def erasure(admin: Account) -> Erasure:
    person = make_marked("zebrafin").person
    done = erase(chat_user_uuid=person.uuid, actor=admin, reason="abuse", ticket="T-9")
    found = Erasure.objects.get(pk=done.erasure)
    assert found.person_hash == audit.person_hash(person.uuid)
    return found


def check(path: Path) -> int:
    try:
        call_command("verify_receipt", str(path))
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def test_it_says_what_the_contract_promises(erasure: Erasure) -> None:
    receipt = json.loads(erasure.receipt)
    assert receipt["id"] == str(erasure.pk)
    assert receipt["person"] == erasure.person_hash
    assert (receipt["by"], receipt["reason"], receipt["ticket"]) == ("Dana Whitfield", "abuse", "T-9")
    assert receipt["erased"]["messages"] == 5
    assert receipt["asked_at"] <= receipt["rows_gone_at"] <= receipt["finished_at"]
    places = set(WHERE) if redis_store.configured() else set(WHERE) - {"redis"}
    assert set(receipt["checked"]) == places
    assert receipt["not_there"] == [place for place in WHERE if place not in places]
    assert {f"table.{declared.name}" for declared in REGISTER} < set(WHERE)
    assert {place: count for place, count in receipt["checked"].items() if count} == {}
    assert receipt["not_checked"] == []


def test_it_says_plainly_what_may_be_left_and_until_when(admin: Account, settings: Any) -> None:
    settings.BACKUP_DAYS = 0
    person = make_marked("zebrafin").person
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    backups, files, others = json.loads(row.receipt)["left"]
    assert (others["where"], others["count"]) == ("others_messages", 0)
    assert backups["until"] == row.rows_gone_at.date().isoformat()
    if connection.vendor == "postgresql":
        assert "VACUUM" in files["what"] and "write-ahead log" in files["what"]
    else:
        assert "overwritten" in files["what"]


def test_it_names_nobody(erasure: Erasure) -> None:
    assert "zebrafin" not in erasure.receipt
    assert (erasure.known, erasure.person_pk, erasure.spans) == (None, None, None)


def test_a_genuine_one_is_taken(erasure: Erasure, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(erasure.receipt)
    assert check(file) == 0
    assert "Genuine" in capsys.readouterr().out
    # However it is laid out.
    file.write_text(json.dumps(json.loads(erasure.receipt)))
    assert check(file) == 0


@pytest.mark.parametrize(
    "field", ["id", "person", "reason", "ticket", "by", "erased", "checked", "left", "finished_at"]
)
def test_a_changed_one_is_found(erasure: Erasure, tmp_path: Path, capsys: Any, field: str) -> None:
    receipt = json.loads(erasure.receipt)
    held = receipt[field]
    receipt[field] = {**held, "x": 1} if isinstance(held, dict) else held[1:]
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    assert check(file) == 1
    assert "not genuine" in capsys.readouterr().out


def test_one_that_somebody_else_signed_is_found(
    erasure: Erasure, tmp_path: Path, settings: Any, capsys: Any
) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(erasure.receipt)
    settings.VAR_DIR = tmp_path
    receipt = json.loads(erasure.receipt)
    assert signatures.public_key() != receipt["public_key"]
    assert check(file) == 1
    assert "another key" in capsys.readouterr().out


def test_a_name_that_is_there_twice_is_found(erasure: Erasure) -> None:
    forged = erasure.receipt.replace('"reason"', '"reason": "subject_request",\n  "reason"', 1)
    assert json.loads(forged) == json.loads(erasure.receipt)
    assert receipts.problems(forged.encode())


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"signature": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_receipt_is_said_to_be_none(db: None, raw: bytes) -> None:
    assert receipts.problems(raw)


def test_a_file_that_is_not_there_says_so(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("verify_receipt", str(tmp_path / "none"))


def test_without_a_key_it_is_not_finished_and_goes_on_later(
    admin: Account, tmp_path: Path, settings: Any
) -> None:
    person = make_marked("zebrafin").person
    (tmp_path / "file").touch()
    kept, settings.VAR_DIR = settings.VAR_DIR, tmp_path / "file"
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert row.rows_gone_at and row.finished_at is None and row.receipt is None
    settings.VAR_DIR = kept
    assert resume_unfinished() == 1
    assert Erasure.objects.get().receipt


def _others(row: Erasure) -> dict[str, Any]:
    [found] = [left for left in json.loads(row.receipt)["left"] if left["where"] == "others_messages"]
    return dict(found)


def _erased_by(way: str, person: ChatUser, admin: Account) -> Erasure:
    if way == "page":
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    elif way == "filed":
        approvals.file(chat_user_uuid=person.uuid, actor=admin, reason="test")
    else:
        change_policy(erasure_needs_second=True, actor=admin)
        asked = approvals.file(chat_user_uuid=person.uuid, actor=None, reason="test", by="a program")
        approvals.approve(erasure_id=asked.erasure, actor=admin)
    resume_unfinished()
    return Erasure.objects.get()


@pytest.mark.parametrize("way", ["page", "filed", "approved"])
def test_it_says_how_many_messages_of_others_name_them(
    admin: Account, admin_client: Client, tmp_path: Path, way: str
) -> None:
    person, other = make_person("Pat Target", "pat@x.example"), make_person("Other")
    make_messages(person, ("visitor", "I am pat@x.example"))
    make_messages(
        other, ("visitor", "write to pat@x.example please"), ("staff", "pat@x.example?"), ("visitor", "no")
    )
    row = _erased_by(way, person, admin)
    assert Message.objects.filter(body__contains="pat@x.example").count() == 2
    assert _others(row)["count"] == row.mentioned == 2
    assert "stay as they are" in _others(row)["what"]
    file = tmp_path / "receipt.json"
    file.write_text(row.receipt)
    assert check(file) == 0
    file.write_text(row.receipt.replace('"count": 2', '"count": 0'))
    assert check(file) == 1
    said = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert 'data-others="2"' in said
    assert "2 messages of other people held this person" in said


def test_nobody_else_is_told_from_not_looked(admin: Account, admin_client: Client) -> None:
    person = make_person("Pat Target", "pat@x.example")
    make_messages(make_person("Other"), ("visitor", "hello"))
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert _others(row)["count"] == 0
    assert "No message of other people held" in admin_client.get(f"/erasures/{row.pk}/").content.decode()


def test_many_at_once_and_a_search_that_runs_out_of_time_are_not_looked(
    admin: Account, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_person(f"Pat {at}", f"pat{at}@x.example") for at in range(2)]
    make_messages(make_person("Other"), ("visitor", "pat0@x.example or pat1@x.example"))
    with withdrawing(), transaction.atomic():
        bury([people[0]], Asked(admin, "retention", together=True))
    resume_unfinished()
    monkeypatch.setattr(mentions, "SECONDS", 0.0)
    erase(chat_user_uuid=people[1].uuid, actor=admin, reason="test")
    for row in Erasure.objects.all():
        assert _others(row)["count"] is None
        assert "was not looked" in _others(row)["what"]
        said = admin_client.get(f"/erasures/{row.pk}/").content.decode()
        assert 'data-others=""' in said and "It was not looked, or not to the end" in said
    assert Erasure.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "external_id", "codes"),
    [
        ("Pat Target", "customer-7", ["former"]),
        ("Pat", None, ["former", "short_name"]),
        ("Pat Target", "2026", ["former", "short_id"]),
    ],
)
def test_it_says_what_was_not_looked_for(
    admin: Account, admin_client: Client, name: str, external_id: str | None, codes: list[str]
) -> None:
    erase(chat_user_uuid=make_person(name, external_id=external_id).uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert json.loads(row.receipt)["not_looked_for"] == codes
    said = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert all((str(word) in said) == (code in codes) for code, word in UNSOUGHT.items())
