"""Seals the audit log: lines that are a few seconds old get their place in the chain, in the order of sealing.

Not as they are written: a chain is one queue that everybody would wait in, and on PostgreSQL lines become visible in
another order than they were written in. Each seal is told to the log, which is kept elsewhere: a tail that is cut off
the table, or the table of an older day, no longer agrees with it.

A line without our mark gets no place: a seal says that it was recorded here. It stays where it is, to be found by
verify_audit, and is told to the log.
"""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from staff.audit_chain import end_of_chain, link_of
from staff.audit_doubts import doubts
from staff.models import AuditChain, AuditEntry

log = structlog.get_logger("chatadmin.audit")

AGE = dt.timedelta(seconds=5)
# Ahead of our clock by so much: it was put back, and a line that waits for its time can be taken out unseen.
AHEAD = dt.timedelta(seconds=60)
LINES_AT_ONCE = 500
# Of one run: the sweeps that come after it in the same thread are not held up by a long backlog.
SECONDS = 1.0
EVENT = "audit.sealed"
REFUSED_EVENT = "audit.refused"


def seal(age: dt.timedelta = AGE) -> int:
    """Seals what is at least `age` old, for about a second at most. Returns how many lines."""
    until, sealed = time.monotonic() + SECONDS, 0
    # A look without a transaction: on SQLite even one that finds nothing would keep every writer out.
    while _waiting(age).exists():
        sealed += _seal_some(age)
        if time.monotonic() >= until:
            break
    return sealed


def seal_now() -> int:
    """Seals all that there is, however young, and however long it takes. Returns how many lines.

    For what ends before the next sweep: where no server runs, its lines would be left unsealed.
    """
    sealed = 0
    while some := seal(dt.timedelta(0)):
        sealed += some
    return sealed


def _waiting(age: dt.timedelta) -> QuerySet[AuditEntry]:
    now = timezone.now()
    due = Q(at__lte=now - age) | Q(at__gt=now + AHEAD)
    return AuditEntry.objects.filter(due, position=None, is_refused=None).order_by("at", "pk")


def _seal_some(age: dt.timedelta) -> int:
    with transaction.atomic():
        chain = end_of_chain()
        # After the lock: whoever had it before may have sealed what was seen without it.
        waiting = list(_waiting(age)[:LINES_AT_ONCE])
        doubtful = doubts(waiting)
        if doubtful:
            # So that they are not looked at again: many of them would keep ours from being sealed.
            AuditEntry.objects.filter(pk__in=list(doubtful)).update(is_refused=True)
            transaction.on_commit(lambda: log.warning(REFUSED_EVENT, count=len(doubtful)))
        entries = [entry for entry in waiting if entry.pk not in doubtful]
        if entries:
            _chain_up(chain, entries)
    return len(entries)


def _chain_up(chain: AuditChain, entries: list[AuditEntry]) -> None:
    links = []
    for entry in entries:
        chain.position += 1
        chain.head = link_of(entry, chain.position, chain.head)
        links.append((chain.position, chain.head, entry.pk))
    _write(links)
    chain.seals += 1
    chain.save()
    told = {"number": chain.seals, "count": len(entries), "position": chain.position, "head": chain.head}
    transaction.on_commit(lambda: log.info(EVENT, **told))


def _write(links: list[tuple[int, str, int]]) -> None:
    """One statement for all: what Django makes of so many updates takes longer the more there are."""
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET position = %s, link = %s WHERE id = %s", links)
