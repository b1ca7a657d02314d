"""What is under way about a person: their deletion that waits for a second admin, their own requests that nobody has
decided yet."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from conversations.models import MergeJournal
from exports.models import Approval, Claim, ClaimState, Erasure
from staff import audit
from users.models import ChatUser

SHOWN = 20


@dataclass(frozen=True)
class Matters:
    """`waiting`: the deletion that waits, None where none does; `claims`: the SHOWN open requests that are due first;
    `joined`: the deletions that wait of visitors who have since been joined into the person."""

    waiting: Erasure | None
    claims: Sequence[Claim]
    joined: Sequence[Erasure] = ()


def matters_of(person: ChatUser, *, erasures: bool = True, requests: bool = True) -> Matters:
    """What is under way about the person, of what is asked for: a few queries, by index."""
    waiting: Erasure | None = None
    joined: list[Erasure] = []
    if erasures:
        waiting = _waiting([person.uuid]).first()
        journal = MergeJournal.objects.filter(chat_user=person, undone_at=None).order_by("-pk")
        earlier = list(journal.values_list("merged_uuid", flat=True)[:SHOWN])
        joined = list(_waiting(earlier)) if earlier else []
    if not requests:
        return Matters(waiting, [], joined)
    claims = Claim.objects.filter(chat_user=person, state=ClaimState.OPEN).select_related("request")
    return Matters(waiting, list(claims.order_by("due_at", "pk")[:SHOWN]), joined)


def _waiting(people: Sequence[uuid.UUID]) -> QuerySet[Erasure]:
    hashes = [audit.person_hash(one) for one in people]
    return Erasure.objects.filter(person_hash__in=hashes, approval=Approval.WAITING).order_by("started_at")
