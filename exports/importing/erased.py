"""Whom no import brings back: who was erased here, as the database says or, after an older backup, only the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from exports import ledger
from exports.importing.rows import BadRow
from exports.models import Approval, Erasure
from staff import audit


def refuse_erased(own: uuid.UUID, joined: Sequence[uuid.UUID], *, is_here: bool) -> None:
    """Raises BadRow where the person or a visitor who was joined into them was erased here. Call it under the lock of
    the person's row, if they have one (`is_here`)."""
    hashes = [audit.person_hash(one) for one in (own, *joined)]
    told = ledger.current()
    begun = Erasure.objects.filter(person_hash__in=hashes).exclude(
        approval__in=[Approval.WAITING, Approval.REFUSED]
    )
    if begun.exists() or any(one in told.erased for one in hashes):
        raise BadRow("this person was erased here and doesn't come back")
    # Of an erasure that nobody confirmed is known that it never began where the person is there.
    if not is_here and hashes[0] in told.doubtful:
        raise BadRow("this person was probably erased here and doesn't come back")
