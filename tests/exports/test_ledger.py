"""The ledger: written before the tombstone, names nobody, survives a crash, and erases a restored backup's people."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from conversations.merging import merge
from exports import ledger, tombstones
from exports.erasure import erase, resume_unfinished
from exports.models import Erasure
from staff import audit
from staff.models import Account
from tests.exports.people import START, make_marked
from tests.exports.sweep import places_of
from tests.factories import make_messages, make_person
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Any) -> Path:
    settings.ERASURE_LEDGER = tmp_path / "erasures.ledger"
    return settings.ERASURE_LEDGER


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.waiting.TAKEN_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr("exports.waiting.LOOK_SECONDS", 0.02)


def test_it_knows_the_person_and_those_joined_into_them_by_hash_only(admin: Account, file: Path) -> None:
    marked = make_marked("zebrafin")
    person, joined = marked.person.uuid, marked.person.merges.get().merged_uuid
    done = erase(chat_user_uuid=person, actor=admin, reason="test")
    told = ledger.read(file)
    assert told.erased == {audit.person_hash(one): str(done.erasure) for one in (person, joined)}
    raw = file.read_text()
    for secret in ("zebrafin", str(person), person.hex, str(joined)):
        assert secret not in raw
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_is_written_before_the_tombstone_is_there(
    admin: Account, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")
    seen = []
    real = ledger.append

    def looked(*args: Any) -> None:
        real(*args)
        seen.append(audit.person_hash(person.uuid) in ledger.read(file).doubtful)

    monkeypatch.setattr(ledger, "append", looked)
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert seen == [True]


def test_an_erasure_that_did_not_begin_is_withdrawn(
    admin: Account, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")

    def fails(*args: Any, **fields: Any) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr(tombstones, "announce", fails)
        with pytest.raises(RuntimeError):
            erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert living().get() == person
    assert len(file.read_text().splitlines()) == 2
    told = ledger.read(file)
    assert told.erased == told.doubtful == {}
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert len(ledger.read(file).erased) == 1


def test_where_it_can_not_be_written_nothing_is_deleted(
    admin_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.ERASURE_LEDGER = tmp_path / "nowhere" / "erasures.ledger"
    person = make_person("Ana")
    page = admin_client.post(f"/users/{person.uuid}/delete/", {"confirm": "ANA-0", "reason": "test"})
    assert page.status_code == 200
    assert 'data-error="ledger"' in page.content.decode()
    assert living().get() == person
    assert not Erasure.objects.exists()
    with pytest.raises(CommandError, match="ledger"):
        call_command("erase_user", str(person.uuid), "--reason=test")
    assert living().get() == person


def test_a_line_cut_short_by_a_crash_spoils_no_other(admin: Account, file: Path) -> None:
    ana, bo = make_person("Ana"), make_person("Bo")
    erase(chat_user_uuid=ana.uuid, actor=admin, reason="test")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    erase(chat_user_uuid=bo.uuid, actor=admin, reason="test")
    told = ledger.read(file)
    assert set(told.erased) == {audit.person_hash(ana.uuid), audit.person_hash(bo.uuid)}
    assert (told.broken, told.forged, told.gaps) == ([3], [], [])


def restored(*people: ChatUser) -> list[ChatUser]:
    """The same people again, as a backup has them."""
    return [
        ChatUser.objects.create(uuid=person.uuid, name=person.name, name_folded=person.name_folded)
        for person in people
    ]


def test_who_comes_back_with_a_backup_is_erased_again(admin: Account, capsys: Any) -> None:
    ana, bo, stays = make_person("Ana"), make_person("Bo"), make_person("Stays")
    for person in (ana, bo):
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    first = {row.pk for row in Erasure.objects.all()}
    [back] = restored(ana)
    make_messages(back, ("visitor", "zebrafin"))
    call_command("replay_erasures")
    assert list(living()) == [stays]
    said = capsys.readouterr().out
    assert "2 in the ledger, 1 were back and are erased again" in said
    assert "redacted in other people's messages" in said
    again = Erasure.objects.exclude(pk__in=first).get()
    assert again.finished_at and again.receipt
    assert again.ticket.removeprefix("replay-") in {pk.hex for pk in first}
    call_command("replay_erasures")
    assert "0 were back" in capsys.readouterr().out


def test_a_backup_from_before_they_were_joined_gives_nobody_of_them_back(admin: Account, file: Path) -> None:
    first, second = make_person(), make_person()
    known, stays = make_person("Ana", "ana@northpine.example"), make_person("Stays")
    for person in (first, second, known, stays):
        make_messages(person, ("visitor", f"said by {person.pk}"))
    merge(source_id=first.pk, target_id=second.pk)
    merge(source_id=second.pk, target_id=known.pk)
    done = erase(chat_user_uuid=known.uuid, actor=admin, reason="test")
    assert list(living()) == [stays]
    assert done.counts["messages"] == 3
    named = {audit.person_hash(person.uuid): str(done.erasure) for person in (first, second, known)}
    assert ledger.read(file).erased == named
    for person in restored(first, second, known):
        make_messages(person, ("visitor", "zebrafin"))
    call_command("replay_erasures")
    assert list(living()) == [stays]
    assert places_of("zebrafin") == set()
    again = Erasure.objects.exclude(pk=done.erasure)
    assert {row.person_hash for row in again} == named.keys()
    assert all(row.receipt and row.ticket == f"replay-{done.erasure.hex}" for row in again)


def test_a_joined_visitor_comes_back_and_goes_too(admin: Account) -> None:
    person = make_marked("zebrafin").person
    joined = person.merges.get().merged_uuid
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    make_person("Earlier", uuid=joined)
    call_command("replay_erasures")
    assert not living().exists()


def test_another_ledger_can_be_named(admin: Account, file: Path, tmp_path: Path) -> None:
    ana = make_person("Ana")
    erase(chat_user_uuid=ana.uuid, actor=admin, reason="test")
    other = file.rename(tmp_path / "elsewhere")
    restored(ana)
    with pytest.raises(CommandError, match="No such file"):
        call_command("replay_erasures")
    call_command("replay_erasures", str(other))
    assert not living().exists()


def test_lines_of_another_secret_and_a_hold_are_said(
    admin: Account, file: Path, settings: Any, capsys: Any
) -> None:
    ana, bo = make_person("Ana"), make_person("Bo")
    kept, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8
    erase(chat_user_uuid=ana.uuid, actor=admin, reason="test")
    settings.SECRET_KEY = kept
    erase(chat_user_uuid=bo.uuid, actor=admin, reason="test")
    restored(ana, bo)
    with pytest.raises(CommandError, match="isn't as it was written"):
        call_command("replay_erasures")
    assert "2 lines were made with another SECRET_KEY" in capsys.readouterr().out
    assert living().get().uuid == ana.uuid
    [held] = restored(bo)
    ChatUser.objects.filter(pk=held.pk).update(held_at=START)
    with pytest.raises(CommandError, match="1 are kept by a legal hold"):
        call_command("replay_erasures")
    assert living().filter(pk=held.pk).exists()


def test_nobody_else_is_touched(admin: Account) -> None:
    people = [make_person(f"P{number}") for number in range(3)]
    elsewhere = {uuid.uuid4(): [audit.person_hash(uuid.uuid4())]}
    ledger.append(elsewhere)
    ledger.confirm(elsewhere)
    call_command("replay_erasures")
    assert list(living().order_by("pk")) == people


def test_one_of_many_erasures_that_is_withdrawn_leaves_the_others(file: Path) -> None:
    person = "a" * 64
    first, replayed = {uuid.uuid4(): [person]}, {uuid.uuid4(): [person]}
    for say, what in (
        (ledger.append, first),
        (ledger.confirm, first),
        (ledger.append, replayed),
        (ledger.withdraw, replayed),
    ):
        say(what)
    assert ledger.read(file).erased == {person: str(next(iter(first)))}


def test_whose_erasure_a_crash_cut_off_is_named_and_left_alone(file: Path, capsys: Any) -> None:
    person, stays = make_person("Ana"), make_person("Bo")
    cut_off = uuid.uuid4()
    ledger.append({cut_off: [audit.person_hash(person.uuid)]})
    with pytest.raises(CommandError, match="1 may never have been erased"):
        call_command("replay_erasures")
    assert f"left alone: {person.uuid}, whose erasure {cut_off} nobody confirmed" in capsys.readouterr().out
    assert living().filter(pk=person.pk).exists()
    call_command("replay_erasures", also_doubtful=True)
    assert list(living()) == [stays]


def test_an_erasure_that_the_database_knows_needs_no_confirming(
    admin: Account, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_marked("zebrafin").person
    joined = person.merges.get().merged_uuid
    monkeypatch.setattr(ledger, "confirm", lambda hashes: None)
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    told = ledger.read(file)
    assert not told.erased and audit.person_hash(joined) in told.doubtful
    make_person("Earlier", uuid=joined)
    call_command("replay_erasures")
    assert not living().exists()


def test_an_erasure_is_confirmed_before_it_is_finished(
    admin: Account, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")

    def full(hashes: Any) -> None:
        raise ledger.Unwritable("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "confirm", full)
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
        row = Erasure.objects.get()
        assert row.rows_gone_at is not None and row.finished_at is None
        assert ledger.read(file).erased == {}
    assert resume_unfinished() == 1
    assert ledger.read(file).erased == {audit.person_hash(person.uuid): str(row.pk)}
    assert len(file.read_text().splitlines()) == 2


def test_what_fails_after_the_commit_takes_nothing_back(
    admin: Account, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")

    def announced(*events: Any) -> None:
        def fails() -> None:
            raise RuntimeError("somebody else's work")

        transaction.on_commit(fails)

    with monkeypatch.context() as patched:
        patched.setattr(tombstones, "announce", announced)
        with pytest.raises(RuntimeError):
            erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert not living().exists() and "withdrawn" not in file.read_text()
    Erasure.objects.update(leased_until=None)
    resume_unfinished()
    assert set(ledger.read(file).erased) == {audit.person_hash(person.uuid)}


def test_nobody_is_buried_where_nothing_could_be_taken_back(admin: Account) -> None:
    person = make_person("Ana")
    asked = tombstones.Asked(admin, "test")
    with pytest.raises(LookupError), transaction.atomic():
        tombstones.bury([person], asked)
    assert living().get() == person


def two_erased(admin: Account) -> list[ChatUser]:
    people = [make_person("Ana"), make_person("Bo")]
    for person in people:
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    return people


def test_a_line_that_somebody_added_erases_nobody(admin: Account, file: Path, capsys: Any) -> None:
    two_erased(admin)
    person = make_person("Cy")
    line = json.loads(file.read_text().splitlines()[-1])
    line["before"] = line["mac"]
    for more in ({"person": audit.person_hash(person.uuid)}, {"what": "withdrawn"}, {"mac": ""}):
        with file.open("a") as out:
            out.write(json.dumps(line | more) + "\n")
    with pytest.raises(CommandError, match="isn't as it was written"):
        call_command("replay_erasures")
    assert f"{file}:5: not written by this installation" in capsys.readouterr().out
    assert list(living()) == [person]
    told = ledger.read(file)
    assert told.forged == [5, 6, 7] and len(told.erased) == 2
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    told = ledger.read(file)
    assert told.forged == [5, 6, 7] and len(told.erased) == 3, "what is written after them is used"


def test_a_line_that_was_taken_out_or_copied_shows(admin: Account, file: Path, capsys: Any) -> None:
    ana, bo = two_erased(admin)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:1] + lines[2:]))
    restored(bo)
    with pytest.raises(CommandError, match="isn't as it was written"):
        call_command("replay_erasures")
    assert f"{file}:2: lines before this one are missing" in capsys.readouterr().out
    assert not living().exists(), "the others are used all the same"
    file.write_bytes(b"".join([*lines, lines[0]]))
    told = ledger.read(file)
    assert (told.forged, told.gaps) == ([5], [5])
    assert set(told.erased) == {audit.person_hash(person.uuid) for person in (ana, bo)}


def test_what_one_servers_ledger_began_anothers_may_confirm(
    file: Path, tmp_path: Path, settings: Any
) -> None:
    person = make_person("Ana")
    own = {uuid.uuid4(): [audit.person_hash(person.uuid)]}
    ledger.append(own)
    settings.ERASURE_LEDGER = other = tmp_path / "other"
    ledger.confirm(own)
    call_command("replay_erasures", str(other), str(file))
    assert not living().exists()
