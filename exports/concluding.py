"""The end of erasures whose rows are gone: the freed bytes overwritten once for all of them, everywhere looked for what
may be left, and a receipt signed for each.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chatadmin.lib import signatures
from chatadmin.lib.rows import save_rows
from exports import ledger, overwriting, receipts, residue, tombstones
from exports.known import EVERYTHING, unseal
from exports.models import Erasure
from exports.residue import Case, Found

log = structlog.get_logger("chatadmin.exports")

# So many have their freed bytes overwritten in one go; so many of these are looked for and concluded together.
OVERWRITTEN_AT_ONCE, AT_ONCE = 1_000, 100


def waiting() -> list[uuid.UUID]:
    """Up to OVERWRITTEN_AT_ONCE erasures whose rows are gone, that aren't finished and that nobody works on, oldest
    first."""
    free = Q(leased_until=None) | Q(leased_until__lte=timezone.now())
    rows = Erasure.objects.filter(free, finished_at=None, rows_gone_at__isnull=False)
    return list(rows.order_by("started_at").values_list("pk", flat=True)[:OVERWRITTEN_AT_ONCE])


def finish(erasures: Sequence[uuid.UUID], seconds: float | None = None) -> int:
    """Finishes those of `erasures` whose rows are gone. Returns how many it did: fewer where SQLite's readers kept the
    log in use, overwriting takes more than `seconds`, the ledger can't be written, a receipt can't be signed, or something
    failed, which is logged (call again later)."""
    gone = Erasure.objects.filter(finished_at=None, rows_gone_at__isnull=False)
    ids = list(gone.filter(pk__in=erasures).order_by("started_at").values_list("pk", flat=True))
    if not ids or not overwriting.overwrite(seconds):
        return 0
    return sum(_finish(ids[at : at + AT_ONCE]) for at in range(0, len(ids), AT_ONCE))


def _finish(ids: Sequence[uuid.UUID]) -> int:
    rows = list(
        Erasure.objects.filter(pk__in=ids, finished_at=None, rows_gone_at__isnull=False).order_by("pk")
    )
    if not _confirmed(rows):
        return 0
    done = _look_and_conclude(rows)
    if done is None:
        # One that can't be finished keeps no other.
        done = sum(_look_and_conclude([row]) or 0 for row in rows) if len(rows) > 1 else 0
    if done:
        # What was kept to look for is cleared only now, and the log still has it.
        overwriting.empty_log()
    return done


def _look_and_conclude(rows: Sequence[Erasure]) -> int | None:
    """Finishes all of `rows` and returns how many; None where something failed."""
    try:
        cases = [Case(row.person_pk, unseal(row.known), row.spans or {}) for row in rows]
        unsought = [case.known.unsought if case.known else [EVERYTHING] for case in cases]
        looked = zip(residue.look(cases), unsought, strict=True)
        return _conclude(dict(zip([row.pk for row in rows], looked, strict=True)))
    except signatures.NoKey as error:
        log.error("erasure.no_key", error=type(error).__name__)
        return 0
    except Exception as error:
        log.error("erasure.not_finished", erasures=len(rows), error=type(error).__name__)
        return None


def _confirmed(rows: Sequence[Erasure]) -> bool:
    """Whether the ledger says of all of them that they were committed: afterwards nobody could tell it any more."""
    try:
        tombstones.confirm(rows)
    except ledger.Unwritable as error:
        log.error("erasure.not_confirmed", error=type(error).__name__)
        return False
    return True


def _conclude(looked: Mapping[uuid.UUID, tuple[Found, list[str]]]) -> int:
    """The receipts, and nothing kept but them; for those that nobody else has finished meanwhile. Returns how many."""
    with transaction.atomic():
        rows = list(
            Erasure.objects.select_for_update().filter(pk__in=list(looked), finished_at=None).order_by("pk")
        )
        for erasure in rows:
            erasure.finished_at = timezone.now()
            erasure.checked, unsought = looked[erasure.pk]
            erasure.receipt = receipts.signed(erasure, unsought)
            erasure.known = erasure.person_pk = erasure.spans = erasure.leased_until = None
        names = ["checked", "finished_at", "receipt", "known", "person_pk", "spans", "leased_until"]
        save_rows(rows, names)
    return len(rows)
