"""Many rows by one statement: the same as one by one."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatadmin.lib.rows import ids_of, save_rows
from conversations.models import Message
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=dt.UTC)
NAMES = ["last_active", "first_contact", "visit_count", "name", "traits"]


@pytest.mark.parametrize("at", [T, None])
def test_rows_are_saved_together_and_only_in_these_columns(at: dt.datetime | None):
    people = [make_person(f"Person {number}", last_active=T) for number in range(3)]
    for number, person in enumerate(people):
        person.last_active, person.first_contact = at, None if number else T
        person.visit_count, person.name, person.email = number, "O'Hara % %s", "not@this.one"
        person.traits = {"n": [number, None]}
    with CaptureQueriesContext(connection) as queries:
        save_rows(people, NAMES)
    assert len(queries) == 1
    for number, saved in enumerate(ChatUser.objects.order_by("pk")):
        assert (saved.last_active, saved.first_contact) == (at, None if number else T)
        assert (saved.visit_count, saved.name, saved.email) == (number, "O'Hara % %s", "")
        assert saved.traits == {"n": [number, None]}


def test_others_stay_as_they_are():
    ann, bob = make_person("Ann"), make_person("Bob")
    ann.name = "Anna"
    save_rows([ann], ["name"])
    bob.refresh_from_db()
    assert bob.name == "Bob"
    save_rows([], ["name"])


def test_rows_are_found_by_their_combination():
    ann, bob = make_person("Ann"), make_person("Bob")
    keys = [uuid.uuid4() for _ in range(3)]
    hers = [make_messages(ann, ("visitor", "x"), client_id=key)[0] for key in keys[:2]]
    his = make_messages(bob, ("visitor", "x"), client_id=keys[2])[0]
    wanted = [(ann.pk, keys[0]), (ann.pk, keys[2]), (bob.pk, keys[1]), (bob.pk, keys[2])]
    assert set(ids_of(Message, ["chat_user", "client_id"], wanted)) == {hers[0].pk, his.pk}
    assert ids_of(Message, ["chat_user", "client_id"], wanted[1:3]) == []
    assert ids_of(Message, ["chat_user", "client_id"], []) == []


def test_each_combination_is_looked_up_in_the_index():
    ann = make_person("Ann")
    make_messages(ann, *[("visitor", str(number)) for number in range(3)])
    with CaptureQueriesContext(connection) as queries:
        ids_of(Message, ["chat_user", "client_id"], [(ann.pk, uuid.uuid4()), (ann.pk, uuid.uuid4())])
    sql = queries[0]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"explain query plan {sql}")
            plan = " ".join(str(line[3]) for line in cursor.fetchall())
            assert "SEARCH m USING" in plan and "chat_user_id=? AND client_id=?" in plan
        else:
            cursor.execute("set local enable_seqscan = off")
            cursor.execute(f"explain {sql}")
            plan = " ".join(line[0] for line in cursor.fetchall())
            assert "Index" in plan and "message_idempotency_key" in plan
