"""What the tests of the audit log's chain share: old lines, sealed ones, and somebody who writes in the table."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from staff import audit
from staff.audit_mac import marked
from staff.audit_proof import findings
from staff.audit_sealing import seal
from staff.models import Account, AuditEntry

ANN = uuid.UUID("7f3a2c91-0000-4000-8000-000000000001")


def lines(count: int, *, actor: Account | None = None, days: float = 1) -> list[AuditEntry]:
    """So many lines, `days` old, a second apart."""
    begin = timezone.now() - dt.timedelta(days=days)
    made = [
        marked(
            AuditEntry(
                at=begin + dt.timedelta(seconds=number),
                actor=actor,
                actor_name=actor.display_name if actor else "",
                verb="user.viewed",
                person_hash=audit.person_hash(ANN),
                detail={"tab": "activity", "number": number, "a": [1, 2.5, None]},
            )
        )
        for number in range(count)
    ]
    return AuditEntry.objects.bulk_create(made)


def sealed(count: int, **how: object) -> None:
    """So many lines, sealed."""
    lines(count, **how)  # type: ignore[arg-type]
    assert seal() == count


def wrong() -> list[str]:
    """What the proof says is wrong."""
    return [str(finding) for finding in findings()]


def at(position: int) -> AuditEntry:
    """The line at that place."""
    return AuditEntry.objects.get(position=position)


def tamper(place: int, **values: object) -> None:
    """Writes in a line as somebody does who has the database and not the key."""
    assert AuditEntry.objects.filter(position=place).update(**values) == 1


def swap(one: int, other: int) -> None:
    """Puts two lines in each other's place."""
    first, second = at(one).pk, at(other).pk
    AuditEntry.objects.filter(pk=first).update(position=-1)
    AuditEntry.objects.filter(pk=second).update(position=one)
    AuditEntry.objects.filter(pk=first).update(position=other)


def verify(log: Path | None = None) -> tuple[int, str]:
    """The command's exit status and what it said."""
    out = io.StringIO()
    try:
        call_command("verify_audit", *(["--seals", str(log)] if log else []), stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()
