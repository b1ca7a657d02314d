"""The ledger: written before the tombstone, names nobody, survives a crash, and erases a restored backup's people."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from conversations.merging import merge
from exports import ledger, tombstones
from exports.erasure import erase
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
        seen.append(audit.person_hash(person.uuid) in ledger.read(file).erased)

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
    assert ledger.read(file).erased == {}
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
    assert told.broken == [2]


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
    assert "2 in the ledger, 1 were back and are erased again" in capsys.readouterr().out
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
    with pytest.raises(CommandError, match="Not every line"):
        call_command("replay_erasures")
    assert "1 lines were made with another SECRET_KEY" in capsys.readouterr().out
    assert living().get().uuid == ana.uuid
    [held] = restored(bo)
    ChatUser.objects.filter(pk=held.pk).update(held_at=START)
    with pytest.raises(CommandError, match="1 are kept by a legal hold"):
        call_command("replay_erasures")
    assert living().filter(pk=held.pk).exists()


def test_nobody_else_is_touched(admin: Account) -> None:
    people = [make_person(f"P{number}") for number in range(3)]
    ledger.append({uuid.uuid4(): [audit.person_hash(uuid.uuid4())]})
    call_command("replay_erasures")
    assert list(living().order_by("pk")) == people
