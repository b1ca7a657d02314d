"""People as pages show them: in constant cost, with what is true of them right now."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.leases import LocalLeases
from tests.factories import make_person, make_visit
from users import presence
from users.models import ChatUser, Tag, Tagging
from users.queries import living, people, person_by_uuid

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> LocalLeases:
    made = LocalLeases(presence.TERMS)
    monkeypatch.setattr(presence, "store", lambda: made)
    return made


def test_each_in_the_order_asked_for(here: LocalLeases):
    ann, bob, cleo = (make_person(name, last_active=T) for name in ("Ann", "Bob", "Cleo"))
    for person in (ann, bob):
        make_visit(person, started_at=T)
    here.touch([(str(ann.uuid), "tab"), (str(cleo.uuid), "tab")])
    for name in ("zebra", "apple"):
        Tagging.objects.create(chat_user=ann, tag=Tag.objects.create(name=name, name_folded=name))
    shown = people([cleo, ann, bob])
    assert [person.user for person in shown] == [cleo, ann, bob]
    assert [person.online for person in shown] == [True, True, False]
    # The open visit of somebody who is not here is one that nobody has ended yet.
    assert [person.session_started_at for person in shown] == [None, T, None]
    assert [[tag.name for tag in person.tags] for person in shown] == [[], ["apple", "zebra"], []]
    assert [person.last_seen_at for person in shown] == [T, T, T]
    assert not any(person.typing for person in shown)


def test_nobody():
    with CaptureQueriesContext(connection) as queries:
        assert people([]) == []
    assert len(queries) <= 2


def test_the_cost_is_the_same_however_many():
    tag = Tag.objects.create(name="vip", name_folded="vip")
    everyone = [make_person(f"Person {number}") for number in range(40)]
    for person in everyone:
        make_visit(person, started_at=T)
        make_visit(person, started_at=T - dt.timedelta(days=1), ended_at=T)
        Tagging.objects.create(chat_user=person, tag=tag)
    with CaptureQueriesContext(connection) as queries:
        shown = people(everyone)
        assert [person.tags for person in shown] == [[tag]] * 40
    assert len(queries) == 2


def test_the_erased_are_not_among_the_living():
    ann, gone = make_person("Ann"), make_person("Gone", erased_at=timezone.now())
    assert list(living()) == [ann]
    assert person_by_uuid(ann.uuid) == ann
    for unknown in (gone.uuid, uuid.uuid4()):
        with pytest.raises(ChatUser.DoesNotExist):
            person_by_uuid(unknown)


@pytest.mark.parametrize(
    ("fields", "anonymous", "shown"),
    [
        ({}, True, "Anonymous"),
        ({"name": "Ann", "email": "a@b.example", "external_id": "x"}, False, "Ann"),
        ({"email": "a@b.example", "external_id": "x"}, False, "a@b.example"),
        ({"external_id": "x"}, False, "x"),
    ],
)
def test_what_somebody_is_called(fields: dict[str, str], anonymous: bool, shown: str):
    person = make_person(**fields)
    assert (person.is_anonymous, person.display_name) == (anonymous, shown)


def test_the_short_id_is_read_out_in_two_halves():
    person = ChatUser(uuid=uuid.UUID("7f3a2c91-0000-4000-8000-000000000000"))
    assert person.short_id == "7F3A-2C91"
    assert person.get_absolute_url() == "/users/7f3a2c91-0000-4000-8000-000000000000/"
