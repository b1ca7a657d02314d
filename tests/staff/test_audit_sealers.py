"""Two processes that seal at once make one chain."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from staff import audit_chain, audit_sealing
from staff.models import AuditChain, AuditEntry
from tests.staff.chain import lines, wrong

pytestmark = pytest.mark.django_db(transaction=True)

SEALERS, LINES = 3, 120


def test_sealers_at_once_dont_fork_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_sealing, "LINES_AT_ONCE", 7)
    lines(LINES)
    counts: list[int] = []
    begin = threading.Barrier(SEALERS)

    def work() -> None:
        try:
            begin.wait(10)
            counts.extend(audit_sealing.seal() for _ in range(3))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(SEALERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    while sealed := audit_sealing.seal():
        counts.append(sealed)
    assert sum(counts) == LINES
    places = AuditEntry.objects.order_by("position").values_list("position", flat=True)
    assert list(places) == list(range(1, LINES + 1))
    assert AuditChain.objects.get().position == LINES
    assert wrong() == []


def test_what_fails_on_the_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines(3)
    real, seen = audit_chain.link_of, []

    def failing(*given: object) -> str:
        seen.append(given)
        if len(seen) == 3:
            raise OSError("the disk is full")
        return real(*given)

    monkeypatch.setattr(audit_sealing, "link_of", failing)
    with pytest.raises(OSError, match="full"):
        audit_sealing.seal()
    assert AuditEntry.objects.filter(position=None, link=None).count() == 3
    monkeypatch.undo()
    assert audit_sealing.seal() == 3 and wrong() == []
