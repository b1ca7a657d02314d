"""The second admin: where the installation wants one, who asks for an erasure only files it, and somebody else decides.

What goes by its age needs nobody: retention calls `erasure.erase`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exports import erasure
from exports.matters import matters_of
from exports.models import Approval, Erasure
from exports.tombstones import Asked, Held, NotWaiting
from staff import audit
from staff.models import Account
from staff.policy import erasure_needs_second
from users.models import ChatUser


class SameAdmin(Exception):
    """Who asked can't approve."""


class PersonGone(Exception):
    """The person isn't there any more: erased or joined to somebody else meanwhile. The request is closed."""


@dataclass(frozen=True)
class Filed:
    """An erasure that was filed; `waits`: nothing happens until a second admin approves; `is_new`: not so where somebody
    had asked for it before, whose reason and ticket then stand."""

    erasure: uuid.UUID
    waits: bool
    is_new: bool = True


def file(
    *, chat_user_uuid: uuid.UUID, actor: Account | None, reason: str, ticket: str = "", by: str = ""
) -> Filed:
    """Asks for a person's erasure: their tombstone at once, or where a second admin is needed, a request.

    Raises what `erasure.erase` raises.
    """
    asked = Asked(actor, reason, ticket, by)
    if not erasure_needs_second():
        given = {"reason": reason, "ticket": ticket, "by": by}
        return Filed(erasure.file(chat_user_uuid=chat_user_uuid, actor=actor, **given), waits=False)
    with transaction.atomic():
        person = ChatUser.objects.select_for_update().get(uuid=chat_user_uuid, erased_at=None)
        if person.held_at is not None:
            raise Held
        before = matters_of(person, requests=False).waiting
        return Filed(ask(person, asked).pk, waits=True, is_new=before is None)


def ask(person: ChatUser, asked: Asked) -> Erasure:
    """The request to erase a person, whose row the caller's transaction has locked; that of before where one waits."""
    row, is_new = Erasure.objects.exclude(approval=Approval.REFUSED).get_or_create(
        person_hash=audit.person_hash(person.uuid),
        rows_gone_at=None,
        defaults={
            "actor": asked.actor,
            "actor_name": asked.name,
            "reason": asked.reason,
            "ticket": asked.ticket,
            "batch": asked.batch,
            "approval": Approval.WAITING,
            "person_pk": person.pk,
        },
    )
    if is_new:
        detail = {"erasure": str(row.pk), "reason": asked.reason, "ticket": asked.ticket}
        audit.record(
            actor=asked.actor, by=asked.name, verb="erasure.asked", person=person.uuid, detail=detail
        )
    return row


def approve(*, erasure_id: uuid.UUID, actor: Account) -> None:
    """Buries the person, for `actor`, who is another than who asked; whoever works on erasures does the rest.

    Raises NotWaiting, SameAdmin, PersonGone, Held, ledger.Unwritable.
    """
    row = _waiting(erasure_id)
    if row.actor_id == actor.pk:
        raise SameAdmin
    person = person_of(row)
    if person is None:
        _close(row.pk, actor)
        raise PersonGone
    try:
        erasure.bury_one(person.uuid, Asked(row.actor, row.reason, row.ticket, row.actor_name, second=actor))
    except ChatUser.DoesNotExist:
        _close(row.pk, actor)
        raise PersonGone from None


def refuse(*, erasure_id: uuid.UUID, actor: Account) -> None:
    """Closes a request; who asked may take it back so. Raises NotWaiting."""
    row = _waiting(erasure_id)
    with transaction.atomic():
        if not _close(row.pk, actor):
            raise NotWaiting
        person = person_of(row)
        detail = {"erasure": str(row.pk)}
        audit.record(
            actor=actor, verb="erasure.refused", person=person.uuid if person else None, detail=detail
        )


def close_gone(rows: QuerySet[Erasure]) -> None:
    """Closes requests about people who went another way while they waited."""
    rows.update(approval=Approval.REFUSED, decided_at=timezone.now(), person_pk=None)


def person_of(row: Erasure) -> ChatUser | None:
    """The living person whom a request is about; None where they are gone."""
    return people_of([row]).get(row.pk)


def people_of(rows: Sequence[Erasure]) -> dict[uuid.UUID, ChatUser]:
    """The living people whom requests are about, by request: one query. Not there: who is gone."""
    ids = [row.person_pk for row in rows if row.person_pk is not None]
    known = {person.pk: person for person in ChatUser.objects.filter(pk__in=ids, erased_at=None)}
    found = {row.pk: (row, known[row.person_pk]) for row in rows if row.person_pk in known}
    # A number may be another's by now.
    return {
        pk: person for pk, (row, person) in found.items() if audit.person_hash(person.uuid) == row.person_hash
    }


def _waiting(erasure_id: uuid.UUID) -> Erasure:
    row = Erasure.objects.filter(pk=erasure_id, approval=Approval.WAITING).select_related("actor").first()
    if row is None:
        raise NotWaiting
    return row


def _close(erasure_id: uuid.UUID, actor: Account) -> bool:
    waiting = Erasure.objects.filter(pk=erasure_id, approval=Approval.WAITING)
    return bool(
        waiting.update(
            approval=Approval.REFUSED,
            second=actor,
            second_name=actor.display_name,
            decided_at=timezone.now(),
            person_pk=None,
        )
    )
