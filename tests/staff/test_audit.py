"""The audit log names people by keyed hash, and outlives them."""

from __future__ import annotations

import uuid

import pytest
from django.db.models import ProtectedError
from pytest_django.fixtures import Settings

from staff import actions, audit
from staff.models import Account, AuditEntry
from tests.factories import make_person

ANN = uuid.UUID("7f3a2c91-0000-4000-8000-000000000001")
BOB = uuid.UUID("7f3a2c91-0000-4000-8000-000000000002")


def test_a_line(support: Account) -> None:
    entry = audit.record(actor=support, verb="user.viewed", person=ANN, detail={"tab": "activity"})
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name, entry.verb) == (support, "Sam Support", "user.viewed")
    assert entry.detail == {"tab": "activity"}
    assert entry.person_hash == audit.person_hash(ANN)
    assert "user.viewed" in str(entry)


def test_nobody_did_it_to_nobody(db: None) -> None:
    entry = audit.record(actor=None, verb="server.started")
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name, entry.person_hash, entry.detail) == (None, "", "", {})


def test_a_person_is_a_hash_that_says_nothing_without_the_secret(settings: Settings) -> None:
    found = audit.person_hash(ANN)
    assert len(found) == 64 and set(found) <= set("0123456789abcdef")
    assert found == audit.person_hash(uuid.UUID(str(ANN)))
    assert found != audit.person_hash(BOB)
    assert str(ANN).replace("-", "")[:8] not in found
    settings.SECRET_KEY = "another secret"
    assert audit.person_hash(ANN) != found


def test_the_lines_about_one_person_newest_first(support: Account) -> None:
    for verb, person in (
        ("user.viewed", ANN),
        ("user.viewed", BOB),
        ("user.edited", ANN),
        ("team.invited", None),
    ):
        audit.record(actor=support, verb=verb, person=person)
    assert [entry.verb for entry in audit.entries_about(ANN)] == ["user.edited", "user.viewed"]
    assert [entry.verb for entry in audit.entries_about(BOB)] == ["user.viewed"]
    assert not audit.entries_about(uuid.uuid4()).exists()


def test_a_line_outlives_whom_it_is_about(support: Account) -> None:
    person = make_person("Ann")
    entry = audit.record(actor=support, verb="user.viewed", person=person.uuid)
    known_as = person.uuid
    person.delete()
    assert list(audit.entries_about(known_as)) == [entry]


def test_who_did_something_can_be_disabled_but_not_deleted(support: Account, admin: Account) -> None:
    audit.record(actor=support, verb="user.viewed", person=ANN)
    with pytest.raises(ProtectedError):
        support.delete()
    actions.disable(actor=admin, account_id=support.pk)
    assert AuditEntry.objects.get(verb="user.viewed").actor_name == "Sam Support"


@pytest.mark.django_db
def test_no_column_can_hold_a_persons_uuid_by_itself(support: Account) -> None:
    audit.record(actor=support, verb="user.viewed", person=ANN)
    row = AuditEntry.objects.values().get()
    assert str(ANN) not in str(row) and ANN.hex not in str(row)
