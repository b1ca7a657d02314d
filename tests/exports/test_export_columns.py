"""The fast stream reads the very columns and values that the register's resources declare, times as their text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest

from exports.as_text import moment
from exports.reading import Reader, as_rows
from exports.register import CHILDREN
from exports.resources import AccessResource, PersonalResource
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import make_marked

pytestmark = pytest.mark.django_db
EXPORTED = [declared for declared in CHILDREN if declared.resource is not None]


def by_resource(resource: PersonalResource, instances: Iterable[Any]) -> list[dict[str, Any]]:
    """What the resource itself gives."""
    rows = list(as_rows(resource, instances))
    assert rows
    return [
        {name: moment(value) if isinstance(value, dt.datetime) else value for name, value in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("declared", EXPORTED, ids=lambda declared: declared.name)
def test_the_rows_are_what_the_resource_gives(declared) -> None:
    person = make_marked("zebrafin").person
    resource = declared.resource()
    instances = declared.rows_of(person.pk).order_by(*declared.order)
    rows = Reader(person).rows(declared.name)
    assert list(rows.headers) == resource.get_export_headers()
    assert list(rows) == by_resource(resource, instances)


def test_so_are_the_accesses(admin: Account) -> None:
    person = make_marked("zebrafin").person
    audit.record(actor=admin, verb="user.viewed", person=person.uuid, detail={"a": 1})
    [row] = Reader(person).accesses()
    assert [row] == by_resource(AccessResource(), AuditEntry.objects.all())
    assert row["actor"] == "Dana Whitfield"
