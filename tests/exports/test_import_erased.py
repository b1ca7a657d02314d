"""Who was erased doesn't come back by an import: not as part of somebody else, not after an older backup."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from conversations.merging import merge
from conversations.models import MergeJournal, Message
from exports import ledger
from exports.erasure import erase
from exports.importing import people, rows
from exports.importing.people import put_person
from exports.importing.rows import BadRow
from exports.models import Erasure
from staff import audit
from staff.models import Account
from tests.exports.importing import bring_in, counts, write
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_ledger(tmp_path: Path, settings: Any) -> Path:
    settings.ERASURE_LEDGER = tmp_path / "erasures.ledger"
    return settings.ERASURE_LEDGER


@pytest.mark.usefixtures("own_ledger")
def test_who_was_erased_as_part_of_another_stays_erased(admin: Account, tmp_path: Path) -> None:
    visitor, person = make_person(""), make_person("Pat Target", external_id="c-1")
    make_messages(visitor, ("visitor", "zebrafin"))
    other = make_person("Quin Other", external_id="c-2")
    alone = write(visitor, tmp_path)
    journal = MergeJournal.objects.create(chat_user=other, merged_uuid=visitor.uuid, profile={}, moved={})
    within = write(other, tmp_path)
    journal.delete()
    other.delete()
    merge(source_id=visitor.pk, target_id=person.pk)
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    for path in (alone, within):
        status, said = bring_in(path)
        assert status == 2 and "was erased here and doesn't come back" in said
    assert not ChatUser.objects.exists() and not Message.objects.exists()


def test_who_was_erased_since_the_backup_stays_erased(
    admin: Account, tmp_path: Path, own_ledger: Path
) -> None:
    person, stays = make_person("Pat Target"), make_person("Quin Other")
    paths = [write(person, tmp_path), write(stays, tmp_path)]
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    stays.delete()
    # As a backup from before has it.
    Erasure.objects.all().delete()
    status, said = bring_in(*paths)
    assert status == 2 and counts(said, "people") == (1, 0, 0, 1)
    assert ChatUser.objects.get().uuid == stays.uuid


def test_of_an_erasure_that_nobody_confirmed_only_a_living_person_is_brought_up_to_date(
    tmp_path: Path, own_ledger: Path
) -> None:
    person = make_person("Pat Target")
    path = write(person, tmp_path)
    ledger.append({uuid.uuid4(): [audit.person_hash(person.uuid)]})
    assert bring_in(path)[0] == 0
    person.delete()
    assert bring_in(path)[0] == 2
    assert not ChatUser.objects.exists()


@pytest.mark.usefixtures("own_ledger")
def test_who_is_erased_at_that_moment_is_not_written_again(admin: Account) -> None:
    person = make_person("Pat Target")
    profile = {"uuid": str(person.uuid), "first_seen": "2026-01-01T00:00:00Z", "name": "Pat Target"}
    given = rows.checked("profile", profile)
    assert put_person(given, [], dry=True).outcome == "changed"
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    with pytest.raises(BadRow):
        people._put(given, [], False)
    assert not ChatUser.objects.exists()


def test_without_the_ledger_nothing_goes_in(tmp_path: Path, settings: Any) -> None:
    path = write(make_person("Pat Target"), tmp_path)
    settings.ERASURE_LEDGER = tmp_path
    with pytest.raises(CommandError, match="ledger"):
        bring_in(path)
