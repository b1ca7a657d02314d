"""Exports of many people: what is in the file, who is not, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import errno
import json
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from exports import export_files, export_jobs, export_writing
from exports.erasure import erase
from exports.models import Approval, Erasure, Export, ExportedPerson, ExportState
from exports.stream import Form, LeaveOut
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.importing import bring_in, content, counted, counts, forget_everyone
from tests.exports.people import make_marked
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private_place(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "exports"


def begun(actor: Account, *people: ChatUser, form: Form = Form.JSON, leave_out: Any = ()) -> Export:
    export = export_jobs.propose(ids=[person.pk for person in people], actor=actor)
    assert export_jobs.start(export_id=export.pk, form=form, leave_out=leave_out, actor=actor)
    return export


def made(actor: Account, *people: ChatUser, **options: Any) -> Export:
    export = begun(actor, *people, **options)
    assert export_jobs.write_exports() == 1
    export.refresh_from_db()
    return export


def test_a_document_for_each_person(admin: Account) -> None:
    ana, ben = make_marked("zebrafin"), make_marked("quokkabay")
    export = made(admin, ana.person, ben.person)
    assert (export.state, export.total, export.done, export.written) == (ExportState.DONE, 2, 2, 2)
    assert export.people == "" and export.holder == ""
    path = export_files.path_of(export)
    assert export.bytes == path.stat().st_size
    with zipfile.ZipFile(path) as zipped:
        assert zipped.testzip() is None
        assert set(zipped.namelist()) == {
            f"{ana.person.uuid}.json",
            f"{ben.person.uuid}.json",
            "manifest.json",
        }
        text = zipped.read(f"{ana.person.uuid}.json").decode()
        assert "bodyzebrafin" in text and "bodyquokkabay" not in text
        accesses = json.loads(text)["accesses"]
        assert [line["detail"] for line in accesses] == [{"format": "json", "export": export.pk}]
        manifest = json.loads(zipped.read("manifest.json"))
    assert (manifest["people"], manifest["left_out"]) == (2, [])


@pytest.mark.parametrize("form", list(Form))
def test_it_can_be_brought_back_in(admin: Account, form: Form) -> None:
    ana, ben = counted("zebrafin"), counted("quokkabay")
    held = [content(person.uuid) for person in (ana, ben)]
    path = export_files.path_of(made(admin, ana, ben, form=form))
    forget_everyone()
    status, said = bring_in(path)
    assert (status, counts(said, "people"), counts(said, "messages")) == (0, (2, 0, 0, 0), (10, 0, 0, 0))
    assert [content(person.uuid) for person in (ana, ben)] == held


def test_notes_are_left_out_of_all(admin: Account) -> None:
    export = made(admin, make_marked("zebrafin").person, leave_out=[LeaveOut.NOTES])
    with zipfile.ZipFile(export_files.path_of(export)) as zipped:
        assert not [name for name in zipped.namelist() if b"notezebrafin" in zipped.read(name)]
        assert json.loads(zipped.read("manifest.json"))["left_out"] == ["notes"]


def test_only_its_owner_may_read_it(admin: Account, private_place: Path) -> None:
    path = export_files.path_of(made(admin, make_person("Ana")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(private_place.stat().st_mode) == 0o700
    assert [file.name for file in private_place.iterdir()] == [path.name]


def test_who_was_erased_before_is_not_in_it(admin: Account) -> None:
    marked, other = make_marked("zebrafin"), make_marked("quokkabay")
    export = begun(admin, marked.person, other.person)
    erase(chat_user_uuid=marked.person.uuid, actor=None, reason="test")
    export_jobs.write_exports()
    export.refresh_from_db()
    assert (export.done, export.written) == (2, 1)
    assert export_files.files_with(other.person.uuid) == [export_files.path_of(export)]
    assert export_files.files_with(marked.person.uuid) == []
    assert marked.person.uuid.hex.encode() not in export_files.path_of(export).read_bytes()


def test_who_is_erased_while_it_is_written_is_not_in_it(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is erased after their part was written: all is begun anew without them."""
    monkeypatch.setattr(export_writing, "TOLD_SECONDS", 0)
    marked, other = make_marked("zebrafin"), make_marked("quokkabay")
    export = begun(admin, marked.person, other.person)
    write_person, runs = export_writing._write_person, []

    def and_erase(*given: Any) -> bool:
        done = write_person(*given)
        runs.append(given[1].pk)
        if runs == [marked.person.pk]:
            assert export_files.files_with(marked.person.uuid)
            erase(chat_user_uuid=marked.person.uuid, actor=None, reason="test")
        return done

    monkeypatch.setattr(export_writing, "_write_person", and_erase)
    assert export_jobs.write_exports() == 1
    export.refresh_from_db()
    assert (export.state, export.written) == (ExportState.DONE, 1)
    assert runs == [marked.person.pk, other.person.pk]
    with zipfile.ZipFile(export_files.path_of(export)) as zipped:
        assert set(zipped.namelist()) == {f"{other.person.uuid}.json", "manifest.json"}
    assert export_files.files_with(marked.person.uuid) == []


def test_a_finished_file_goes_with_somebody_in_it(admin: Account) -> None:
    marked, other = make_marked("zebrafin"), make_marked("quokkabay")
    export, kept = made(admin, marked.person, other.person), made(admin, other.person)
    path = export_files.path_of(export)
    assert export_files.files_with(marked.person.uuid) == [path]
    erase(chat_user_uuid=marked.person.uuid, actor=None, reason="test")
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.GONE, "erased")
    assert not path.exists() and export_files.path_of(kept).exists()
    assert not ExportedPerson.objects.filter(export=export).exists()


def test_the_sweep_finds_what_an_erasure_left(admin: Account) -> None:
    marked = make_marked("zebrafin")
    erase(chat_user_uuid=marked.person.uuid, actor=None, reason="test")
    export = made(admin, make_person("Ana"))
    ExportedPerson.objects.create(export=export, person_hash=audit.person_hash(marked.person.uuid))
    assert export_jobs.sweep_exports() == 1
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.GONE, "erased")


def test_an_erasure_that_was_only_asked_for_deletes_no_file(admin: Account) -> None:
    person = make_person("Ana")
    made(admin, person)
    Erasure.objects.create(
        person_hash=audit.person_hash(person.uuid), reason="test", approval=Approval.REFUSED
    )
    assert export_jobs.sweep_exports() == 0


def test_it_goes_after_its_days(admin: Account, settings: Any) -> None:
    settings.EXPORT_DAYS = 3
    export = made(admin, make_person("Ana"))
    assert export.expires_at is not None and export.ended_at is not None
    assert abs(export.expires_at - export.ended_at - dt.timedelta(days=3)) < dt.timedelta(minutes=1)
    assert export_jobs.sweep_exports() == 0
    Export.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert export_jobs.sweep_exports() == 1
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.GONE, "expired")
    assert export_files.files_of(export) == []


def test_stray_files_go(admin: Account, private_place: Path) -> None:
    path = export_files.path_of(made(admin, make_person("Ana")))
    for name in ("999999.zip", f"{path.stem}.{'0' * 32}.part", "notes"):
        (private_place / name).write_bytes(b"x")
    assert export_jobs.sweep_exports() == 3
    assert list(private_place.iterdir()) == [path]


def test_a_folder_that_can_not_be_used_is_told(admin: Account, private_place: Path) -> None:
    export = begun(admin, make_person("Ana"))
    private_place.parent.mkdir(exist_ok=True)
    shutil.rmtree(private_place, ignore_errors=True)
    private_place.write_text("in the way")
    assert export_jobs.write_exports() == 0
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.FAILED, "file")
    private_place.unlink()


@pytest.mark.parametrize(("number", "why"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "file")])
def test_a_full_disk_is_told_and_nothing_is_kept(
    admin: Account, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def full(*given: Any) -> bool:
        raise OSError(number, "no")

    export = begun(admin, make_person("Ana"), make_person("Ben"))
    monkeypatch.setattr(export_writing, "_copy", full)
    assert export_jobs.write_exports() == 0
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.FAILED, why)
    assert export_files.files_of(export) == []
    assert not ExportedPerson.objects.exists()


def test_one_that_goes_wrong_keeps_no_other_waiting(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = begun(admin, make_person("Ana")), begun(admin, make_person("Ben"))
    write = export_writing.write
    monkeypatch.setattr(export_jobs, "write", lambda export: 1 / 0 if export.pk == bad.pk else write(export))
    assert export_jobs.write_exports() == 1
    assert [Export.objects.get(pk=one.pk).state for one in (bad, good)] == ["failed", "done"]


def test_one_whose_people_are_erased_one_after_the_other_lets_others_go_first(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    restless, other = begun(admin, make_person("Ana")), begun(admin, make_person("Ben"))
    write, begins = export_writing.write, []

    def written(export: Export) -> None:
        begins.append(export.pk)
        if export.pk == restless.pk:
            raise export_writing.Stale
        write(export)

    monkeypatch.setattr(export_jobs, "write", written)
    assert export_jobs.write_exports() == 1
    assert begins == [restless.pk] * export_jobs.BEGUN_ANEW + [other.pk]
    restless.refresh_from_db()
    assert (restless.state, restless.attempts) == (ExportState.WAITING, 0)
    monkeypatch.setattr(export_jobs, "write", write)
    assert export_jobs.write_exports() == 0, "not yet"
    Export.objects.filter(pk=restless.pk).update(leased_until=timezone.now())
    assert export_jobs.write_exports() == 1
    restless.refresh_from_db()
    assert restless.state == ExportState.DONE


def test_it_is_stopped_within_a_moment(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_writing, "TOLD_SECONDS", 0)
    export = begun(admin, *[make_person(f"Person {number}") for number in range(5)])
    write_person, runs = export_writing._write_person, []

    def and_stop(*given: Any) -> bool:
        runs.append(given[1].pk)
        if len(runs) == 2:
            export_jobs.stop(export_id=export.pk, actor=admin)
        return write_person(*given)

    monkeypatch.setattr(export_writing, "_write_person", and_stop)
    assert export_jobs.write_exports() == 0
    export.refresh_from_db()
    assert export.state == ExportState.STOPPED and len(runs) == 2
    assert export_files.files_of(export) == []


def test_one_whose_writer_was_killed_is_begun_anew_by_another(admin: Account) -> None:
    export = begun(admin, make_person("Ana"))
    taken = export_jobs._take()
    assert taken is not None and taken.pk == export.pk
    export_files.part_of(taken).write_bytes(b"half")
    assert export_jobs.write_exports() == 0, "it is leased"
    Export.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    assert export_jobs.write_exports() == 1
    assert [path.name for path in export_files.files_of(export)] == [f"{export.pk}.zip"]


def test_one_that_kills_its_writer_is_given_up(admin: Account) -> None:
    export = begun(admin, make_person("Ana"))
    for _ in range(export_jobs.MOST_ATTEMPTS):
        assert export_jobs._take() is not None
        Export.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    assert export_jobs.write_exports() == 0
    export.refresh_from_db()
    assert (export.state, export.why) == (ExportState.FAILED, "killed")


def test_whoever_lost_it_writes_no_more(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_writing, "TOLD_SECONDS", 0)
    begun(admin, make_person("Ana"))
    taken = export_jobs._take()
    assert taken is not None
    Export.objects.update(holder="f" * 32)
    with pytest.raises(export_writing.Lost):
        export_writing.write(taken)


def test_proposals_are_forgotten_within_the_hour(admin: Account) -> None:
    export = export_jobs.propose(ids=[make_person("Ana").pk], actor=admin)
    assert export_jobs.write_exports() == 0 and export_jobs.sweep_exports() == 0
    Export.objects.update(created_at=timezone.now() - dt.timedelta(hours=2))
    assert export_jobs.sweep_exports() == 1
    assert not export_jobs.start(export_id=export.pk, form=Form.JSON, leave_out=[], actor=admin)


def test_nobody_and_too_many_can_not_be_proposed(admin: Account) -> None:
    for ids in (range(0), range(1, export_jobs.MOST_PEOPLE + 2)):
        with pytest.raises(ValueError, match="people"):
            export_jobs.propose(ids=list(ids), actor=admin)


def test_what_is_left_in_rows_names_nobody(admin: Account) -> None:
    marked = make_marked("zebrafin")
    export = made(admin, marked.person)
    kept = str([Export.objects.values(), ExportedPerson.objects.values(), AuditEntry.objects.values()])
    assert str(export.pk) in kept
    assert not [mark for mark in (*marked.marks, str(marked.person.uuid)) if mark in kept]


def test_a_long_history_is_copied_in_pieces(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_writing, "COPIED_BYTES", 100)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"number {number}") for number in range(50)])
    with zipfile.ZipFile(export_files.path_of(made(admin, person))) as zipped:
        found = json.loads(zipped.read(f"{person.uuid}.json"))
    assert len(found["conversations"][0]["messages"]) == 50
