"""What is under way about a person: their deletion that waits for a second admin, their own requests that nobody has
decided yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exports.models import Approval, Claim, ClaimState, Erasure
from staff import audit
from users.models import ChatUser

SHOWN = 20


@dataclass(frozen=True)
class Matters:
    """`waiting`: the deletion that waits, None where none does; `claims`: the SHOWN open requests that are due first."""

    waiting: Erasure | None
    claims: Sequence[Claim]


def matters_of(person: ChatUser, *, erasures: bool = True, requests: bool = True) -> Matters:
    """What is under way about the person, of what is asked for: one query each, by index."""
    waiting = None
    if erasures:
        own = Erasure.objects.filter(person_hash=audit.person_hash(person.uuid), approval=Approval.WAITING)
        waiting = own.first()
    if not requests:
        return Matters(waiting, [])
    claims = Claim.objects.filter(chat_user=person, state=ClaimState.OPEN).select_related("request")
    return Matters(waiting, list(claims.order_by("due_at", "pk")[:SHOWN]))
