"""Seals the audit log: lines that are a few seconds old get their place in the chain, in the order of sealing.

Not as they are written: a chain is one queue that everybody would wait in, and on PostgreSQL lines become visible in
another order than they were written in. Each seal is told to the log, which is kept elsewhere: a tail that is cut off
the table, or the table of an older day, no longer agrees with it.
"""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from staff.audit_chain import end_of_chain, link_of
from staff.models import AuditEntry

log = structlog.get_logger("chatadmin.audit")

AGE = dt.timedelta(seconds=5)
LINES_AT_ONCE = 500
# Of one run: the sweeps that come after it in the same thread are not held up by a long backlog.
SECONDS = 1.0
EVENT = "audit.sealed"


def seal() -> int:
    """Seals what is old enough, for about a second at most. Returns how many lines."""
    until, sealed = time.monotonic() + SECONDS, 0
    # A look without a transaction: on SQLite even one that finds nothing would keep every writer out.
    while _waiting().exists():
        sealed += _seal_some()
        if time.monotonic() >= until:
            break
    return sealed


def _waiting() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(position=None, at__lt=timezone.now() - AGE).order_by("at", "pk")


def _seal_some() -> int:
    with transaction.atomic():
        chain = end_of_chain()
        # After the lock: whoever had it before may have sealed what was seen without it.
        entries = list(_waiting()[:LINES_AT_ONCE])
        if not entries:
            return 0
        links = []
        for entry in entries:
            chain.position += 1
            chain.head = link_of(entry, chain.position, chain.head)
            links.append((chain.position, chain.head, entry.pk))
        _write(links)
        chain.seals += 1
        chain.save()
        told = {
            "number": chain.seals,
            "count": len(entries),
            "position": chain.position,
            "head": chain.head,
        }
        transaction.on_commit(lambda: log.info(EVENT, **told))
    return len(entries)


def _write(links: list[tuple[int, str, int]]) -> None:
    """One statement for all: what Django makes of so many updates takes longer the more there are."""
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET position = %s, link = %s WHERE id = %s", links)
