"""The fast stream reads the very columns and values that the register's resources declare."""

from __future__ import annotations

import pytest

from exports.reading import Reader, as_rows
from exports.register import CHILDREN
from exports.resources import AccessResource
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import make_marked

pytestmark = pytest.mark.django_db
EXPORTED = [declared for declared in CHILDREN if declared.resource is not None]


@pytest.mark.parametrize("declared", EXPORTED, ids=lambda declared: declared.name)
def test_the_rows_are_what_the_resource_gives(declared) -> None:
    person = make_marked("zebrafin").person
    resource = declared.resource()
    instances = declared.rows_of(person.pk).order_by(*declared.order)
    by_resource = list(as_rows(resource, instances))
    assert by_resource
    assert list(Reader(person).rows(declared.name)) == by_resource
    assert list(by_resource[0]) == resource.get_export_headers()


def test_so_are_the_accesses(admin: Account) -> None:
    person = make_marked("zebrafin").person
    audit.record(actor=admin, verb="user.viewed", person=person.uuid, detail={"a": 1})
    [row] = Reader(person).accesses()
    assert [row] == list(as_rows(AccessResource(), AuditEntry.objects.all()))
    assert row["actor"] == "Dana Whitfield"
