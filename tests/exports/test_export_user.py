"""`manage.py export_user`: the same bytes as the button."""

from __future__ import annotations

import io
import stat
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from exports.stream import Form, export
from staff import audit
from tests.exports.people import START, make_marked
from tests.factories import make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> ChatUser:
    return make_marked("zebrafin").person


@pytest.mark.parametrize("form", list(Form))
def test_the_same_bytes_but_for_the_time(
    person: ChatUser, form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.reading.timezone.now", lambda: START)
    out = tmp_path / "out"
    call_command("export_user", str(person.uuid), format=form.value, out=out)
    assert out.read_bytes() == b"".join(export(ChatUser.objects.get(pk=person.pk), form).blocks)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]


def test_to_standard_output(person: ChatUser, capfdbinary: Any) -> None:
    call_command("export_user", str(person.uuid), format="csv")
    out, err = capfdbinary.readouterr()
    assert zipfile.ZipFile(io.BytesIO(out)).testzip() is None
    assert err == b""


def test_it_leaves_an_audit_line(person: ChatUser, tmp_path: Path) -> None:
    call_command("export_user", str(person.uuid), format="json", out=tmp_path / "out")
    line = audit.entries_about(person.uuid).get()
    assert (line.actor, line.verb, line.detail) == (
        None,
        "user.exported",
        {"format": "json", "by": "command"},
    )


def test_an_unknown_or_erased_person(tmp_path: Path) -> None:
    erased = make_person("Ana", erased_at=timezone.now())
    for unknown in (uuid.uuid4(), erased.uuid):
        with pytest.raises(CommandError, match="no person"):
            call_command("export_user", str(unknown), format="json", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["not-a-uuid", "--format", "json"], [str(uuid.uuid4()), "--format", "xml"], []]
)
def test_what_it_does_not_understand(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("export_user", *words)


def test_a_folder_that_is_not_there(person: ChatUser, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_user", str(person.uuid), format="json", out=tmp_path / "not" / "there")


def test_a_person_erased_meanwhile_leaves_no_file(
    person: ChatUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.write_text("an earlier export")
    monkeypatch.setattr("exports.stream.living", ChatUser.objects.none)
    with pytest.raises(CommandError, match="erased meanwhile"):
        call_command("export_user", str(person.uuid), format="json", out=out)
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "an earlier export"
