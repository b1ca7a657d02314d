"""Receipts: what they say, that they name nobody, and that a forged one is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from chatadmin.lib import signatures
from exports import receipts
from exports.erasure import erase
from exports.models import Erasure
from exports.register import REGISTER
from exports.residue import WHERE
from staff import audit
from staff.models import Account
from tests.exports.people import make_marked

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
    assert set(receipt["checked"]) == set(WHERE)
    assert {f"table.{declared.name}" for declared in REGISTER} < set(WHERE)
    assert set(receipt["checked"].values()) == {0}
    assert receipt["not_checked"] == []


def test_it_says_plainly_what_may_be_left_and_until_when(admin: Account, settings: Any) -> None:
    settings.BACKUP_DAYS = 0
    person = make_marked("zebrafin").person
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    backups, files = json.loads(row.receipt)["left"]
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
    from exports.erasure import resume_unfinished

    person = make_marked("zebrafin").person
    (tmp_path / "file").touch()
    kept, settings.VAR_DIR = settings.VAR_DIR, tmp_path / "file"
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert row.rows_gone_at and row.finished_at is None and row.receipt is None
    settings.VAR_DIR = kept
    assert resume_unfinished() == 1
    assert Erasure.objects.get().receipt
