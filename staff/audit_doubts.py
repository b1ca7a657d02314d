"""Lines of the audit log without a place in its chain: which of them we did not record, and how long they wait."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from staff.audit_mac import is_marked
from staff.models import AuditEntry

LINES_AT_ONCE = 500
# The sweep seals within seconds; what waits longer shows that nothing sweeps.
LONG = dt.timedelta(minutes=1)

NOT_OURS = "forged, or changed before it was sealed"
COPY = "forged: a copy of another line"
KEPT_BACK = "kept from being sealed: it is marked as refused, and is ours"


def doubts(entries: Sequence[AuditEntry]) -> dict[int, str]:
    """Those of these unsealed lines, by number, that we did not record as they are: what is wrong with each."""
    first = _first_with(entries)
    found = {}
    for entry in entries:
        if not is_marked(entry):
            found[entry.pk] = NOT_OURS
        elif first[entry.mac] != entry.pk:
            found[entry.pk] = COPY
    return found


def doubtful() -> Iterator[tuple[int, str]]:
    """Every unsealed line with something wrong: its number, and what. In flat memory."""
    after = 0
    while True:
        unsealed = AuditEntry.objects.filter(position=None, pk__gt=after).order_by("pk")
        entries = list(unsealed[:LINES_AT_ONCE])
        found = doubts(entries)
        for entry in entries:
            if entry.pk in found:
                yield entry.pk, found[entry.pk]
            elif entry.is_refused:
                yield entry.pk, KEPT_BACK
        if len(entries) < LINES_AT_ONCE:
            return
        after = entries[-1].pk


@dataclass(frozen=True)
class Waiting:
    """How many lines are not sealed, how many of them for longer than LONG, and how many are of a time to come."""

    lines: int
    long: int
    ahead: int


def waiting() -> Waiting:
    """What waits to be sealed now."""
    unsealed, now = AuditEntry.objects.filter(position=None), timezone.now()
    return Waiting(
        unsealed.count(), unsealed.filter(at__lt=now - LONG).count(), unsealed.filter(at__gt=now).count()
    )


def _first_with(entries: Sequence[AuditEntry]) -> dict[str | None, int]:
    """For each mark, the line that it belongs to: the sealed one, else the first that is as it was recorded."""
    # A copy has the moment of its line as well, and by moments they are found without an index of marks.
    moments, marks = {entry.at for entry in entries}, {entry.mac for entry in entries if entry.mac}
    others = AuditEntry.objects.filter(at__in=moments, mac__in=marks).exclude(
        pk__in=[entry.pk for entry in entries]
    )
    found: dict[str | None, tuple[bool, int]] = {}
    for entry in [*entries, *others]:
        if entry.position is not None or is_marked(entry):
            found[entry.mac] = min((entry.position is None, entry.pk), found.get(entry.mac, (True, entry.pk)))
    return {mac: pk for mac, (_, pk) in found.items()}
