"""Retention of the audit log: cuts off its beginning and leaves a signed checkpoint, which the rest is proven from."""

from __future__ import annotations

import datetime as dt
from itertools import takewhile

from django.db import transaction
from django.utils import timezone

from chatadmin.lib import signatures
from staff import audit
from staff.audit_chain import end_of_chain, signed_text
from staff.models import Account, AuditCheckpoint, AuditEntry

LINES_AT_ONCE = 2_000


def cut(before: dt.datetime, *, actor: Account | None = None) -> int:
    """Deletes the sealed lines that are older than `before`, up to the first in the chain that isn't. Returns how many.

    In chunks, each a short transaction that moves the checkpoint with it: killed at any point, the log is whole, and
    the next call goes on. The cut is a line of the log itself. Raises chatadmin.lib.signatures.NoKey, and then
    nothing was cut.
    """
    total = 0
    while gone := _cut_some(before, total):
        total += gone
    if total:
        detail = {"lines": total, "before": before.date().isoformat()}
        audit.record(actor=actor, verb="audit.cut", detail=detail)
    return total


def _cut_some(before: dt.datetime, already: int) -> int:
    with transaction.atomic():
        end_of_chain()
        # The chain's order is that of sealing, which is not quite that of time: a line that came late stays, and what
        # follows it, until its own time is up.
        first = AuditEntry.objects.exclude(position=None).order_by("position")[:LINES_AT_ONCE]
        old = list(takewhile(lambda entry: entry.at < before, first))
        if not old:
            return 0
        last = old[-1]
        assert last.position is not None and last.link is not None
        checkpoint = AuditCheckpoint(
            at=timezone.now(), before=before, lines=already + len(old), position=last.position, head=last.link
        )
        checkpoint.signature = signatures.sign(signed_text(checkpoint))
        if already:
            # One cut, one checkpoint: that of the chunk before is only on the way.
            AuditCheckpoint.objects.filter(position=last.position - len(old)).delete()
        checkpoint.save()
        AuditEntry.objects.filter(position__lte=last.position).delete()
    return len(old)
