"""Legal holds: while one stands, neither an erasure nor a retention rule touches anything of the person.

What stops them is `ChatUser.held_at`, looked at under the row's lock; the rows here say who, why and when.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from conversations.models import MergeJournal
from exports.models import TICKET_PATTERN, Hold, HoldReason
from staff import audit
from staff.models import Account
from users.actions import Gone
from users.models import ChatUser

SHOWN = 50


class AlreadyHeld(Exception):
    """A hold stands already."""


class NotHeld(Exception):
    """No hold stands."""


def place_hold(*, chat_user_uuid: uuid.UUID, actor: Account, reason: str, ticket: str = "") -> Hold:
    """Puts a person under a hold. `reason` is a HoldReason, `ticket` at most 40 letters, digits and dashes.

    Raises Gone for someone unknown or erased, AlreadyHeld, and ValueError for another reason or ticket.
    """
    if reason not in HoldReason.values or not re.match(TICKET_PATTERN, ticket):
        raise ValueError("reason or ticket")
    with transaction.atomic():
        person = _locked(chat_user_uuid)
        if person.held_at is not None:
            raise AlreadyHeld
        hold = Hold.objects.create(
            person_hash=audit.person_hash(person.uuid),
            reason=reason,
            ticket=ticket,
            placed_by=actor,
            placed_by_name=actor.display_name,
        )
        ChatUser.objects.filter(pk=person.pk).update(held_at=hold.placed_at)
        _record(person, "user.held", actor, {"hold": str(hold.pk), "reason": reason, "ticket": ticket})
    return hold


def bring_hold(person: ChatUser) -> None:
    """The row of a hold that came with a file: `person.held_at`, just set, is when it was placed, elsewhere.

    Within the caller's transaction, which has locked the person or made them.
    """
    hold, is_new = Hold.objects.get_or_create(
        person_hash=audit.person_hash(person.uuid),
        lifted_at=None,
        defaults={
            "reason": HoldReason.IMPORTED,
            "placed_by_name": "import_chats",
            "placed_at": person.held_at or timezone.now(),
        },
    )
    if is_new:
        detail = {"hold": str(hold.pk), "reason": HoldReason.IMPORTED, "ticket": ""}
        audit.record(actor=None, verb="user.held", person=person.uuid, detail=detail)


def lift_hold(*, chat_user_uuid: uuid.UUID, actor: Account) -> int:
    """Lifts whatever holds a person, also what was placed on an earlier visitor who was joined into them.

    Returns how many holds that were. Raises Gone for someone unknown or erased, and NotHeld.
    """
    with transaction.atomic():
        person = _locked(chat_user_uuid)
        if person.held_at is None:
            raise NotHeld
        standing = Hold.objects.filter(person_hash__in=_hashes(person), lifted_at=None)
        ids = [str(pk) for pk in standing.order_by("placed_at").values_list("pk", flat=True)]
        standing.update(lifted_at=timezone.now(), lifted_by=actor, lifted_by_name=actor.display_name)
        ChatUser.objects.filter(pk=person.pk).update(held_at=None)
        _record(person, "user.released", actor, {"holds": ids})
    return len(ids)


def holds_about(person: ChatUser) -> Sequence[Hold]:
    """The newest holds of a person, those that stand and those that were lifted."""
    theirs = Hold.objects.filter(person_hash__in=_hashes(person))
    return list(theirs.order_by("-placed_at", "-pk")[:SHOWN])


def _hashes(person: ChatUser) -> list[str]:
    joined = MergeJournal.objects.filter(chat_user=person, undone_at=None).order_by("-pk")
    uuids = [person.uuid, *joined.values_list("merged_uuid", flat=True)[:1_000]]
    return [audit.person_hash(one) for one in uuids]


def _locked(chat_user_uuid: uuid.UUID) -> ChatUser:
    person = ChatUser.objects.select_for_update().filter(uuid=chat_user_uuid, erased_at=None).first()
    if person is None:
        raise Gone
    return person


def _record(person: ChatUser, verb: str, actor: Account, detail: dict[str, object]) -> None:
    audit.record(actor=actor, verb=verb, person=person.uuid, detail=detail)
    announce(Event("user.changed", str(person.uuid), {"fields": ["hold"]}))
