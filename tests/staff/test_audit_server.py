"""The running server seals what is written, and its own log proves the table."""

from __future__ import annotations

import time
from collections.abc import Callable

from staff.audit_seals import seals_in
from staff.models import Account, AuditChain, AuditEntry
from tests.factories import make_person
from tests.server import Server
from tests.staff.chain import ANN, verify
from tests.staff_http import StaffBrowser

CANARY = "zebrafinch9042"
SEALED_WITHIN_SECONDS = 30


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEALED_WITHIN_SECONDS
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_staff_do_is_sealed_and_told(server: Server, admin: Account) -> None:
    begin = server.log.stat().st_size
    person = make_person("Ada")
    staff = StaffBrowser(server, admin)
    assert staff.get(f"/users/{person.uuid}/")[0] == 200
    assert staff.get(f"/users/?q={CANARY}")[0] == 200
    until(lambda: AuditEntry.objects.filter(verb="users.searched", position__isnull=False).exists())
    assert not AuditEntry.objects.filter(position=None, verb="user.viewed").exists()
    until(lambda: f"position={AuditChain.objects.get().position} " in server.log.read_text()[begin:])
    # Of this test's table only: the one before it was another.
    log = server.log.with_name("of-this-test")
    log.write_text(server.log.read_text()[begin:])
    seals = list(seals_in(log.read_text().splitlines()))
    assert seals and seals[-1].position == AuditChain.objects.get().position
    status, said = verify(log)
    assert status == 0, said
    told = log.read_text()
    assert CANARY not in told and str(person.uuid) not in told and str(ANN) not in told
    AuditEntry.objects.filter(position=seals[-1].position).update(verb="user.levitated")
    assert verify(log)[0] == 1
