"""The tombstone: in one transaction everything in a person's row is wiped. From its commit on they are on no page and
accept no write, and their erasure is in the ledger.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from chatadmin.lib import redis_store
from chatadmin.lib.bus import FORGET, Event, announce
from exports import ledger
from exports.export_files import drop_files_with
from exports.known import known_of, seal, unseal
from exports.models import TICKET_PATTERN, Approval, Erasure, Reason
from exports.register import WIPED
from staff import audit
from staff.models import Account
from users import presence
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

LEASE = dt.timedelta(seconds=10)
Written = dict[uuid.UUID, list[str]]


class Held(Exception):
    """The person is under a legal hold: nothing of theirs may be erased."""


class NotWaiting(Exception):
    """Nobody asks for this erasure, or it was decided already."""


@dataclass(frozen=True)
class Asked:
    """Who asked for an erasure, and why: a `Reason` and a reference of at most 40 letters, digits and dashes.

    `by` names who asked where that is no account, `batch` is what many were asked for together by, `second` who approves
    what somebody else has asked for: that one's reason and ticket then stand. Raises ValueError.
    """

    actor: Account | None
    reason: str
    ticket: str = ""
    by: str = ""
    batch: uuid.UUID | None = None
    second: Account | None = None

    def __post_init__(self) -> None:
        if self.reason not in Reason.values or not re.match(TICKET_PATTERN, self.ticket):
            raise ValueError("reason or ticket")

    @property
    def name(self) -> str:
        """The asker's name, as it is kept."""
        return self.by or (self.actor.display_name if self.actor else "")


@contextlib.contextmanager
def withdrawing() -> Iterator[Written]:
    """What `bury` wrote into the ledger; taken back there where the transaction inside fails."""
    written: Written = {}
    try:
        yield written
    except BaseException:
        with contextlib.suppress(ledger.Unwritable):
            if written:
                ledger.withdraw(written)
        raise


def bury(people: Sequence[ChatUser], asked: Asked, written: Written) -> list[Erasure]:
    """The tombstones of people whose rows the caller's transaction has locked, and whom no hold keeps.

    Raises ledger.Unwritable, and NotWaiting where `asked` approves what nobody asks for.
    """
    erasures, now = [], timezone.now()
    for person in people:
        erasure = _row(person, asked)
        if person.erased_at is None:
            known = known_of(person)
            erasure.known, erasure.expected = seal(known), person.message_count
            written[erasure.pk] = known.hashes
        erasure.person_pk = person.pk
        # Of many, none is worked on by whoever buries them.
        erasure.leased_until = None if asked.batch else now + LEASE
        erasure.save(update_fields=["known", "expected", "person_pk", "leased_until"])
        erasures.append(erasure)
    living = [person.pk for person in people if person.erased_at is None]
    ChatUser.objects.filter(pk__in=living).update(**WIPED, erased_at=now)
    if written:
        ledger.append(written)
    # Told again when an erasure goes on: a crash may have come before the first telling.
    announce(*(Event(FORGET, str(person.uuid)) for person in people))
    return erasures


def vanish(person: ChatUser, erasure: Erasure) -> None:
    """Once the tombstone is committed: they are not here any more, and no exported file holds them, nor the earlier
    visitors who were joined into them."""
    known = unseal(erasure.known)
    for name in [uuid.UUID(name) for name in known.uuids] if known else [person.uuid]:
        # Redis may be away: the lease then lapses by itself.
        with contextlib.suppress(*redis_store.UNREACHABLE):
            presence.discard(name)
        try:
            drop_files_with(name)
        except OSError as error:  # the residue check will tell of what is left
            log.error("erasure.file_stays", error=type(error).__name__)


def _row(person: ChatUser, asked: Asked) -> Erasure:
    own = audit.person_hash(person.uuid)
    given = {"actor": asked.actor, "actor_name": asked.name, "reason": asked.reason, "ticket": asked.ticket}
    rows = Erasure.objects.filter(rows_gone_at=None).exclude(approval=Approval.REFUSED)
    if asked.second is not None:
        erasure = rows.select_for_update().filter(person_hash=own).exclude(approval=Approval.NONE).first()
        if erasure is None:
            raise NotWaiting
        if erasure.approval == Approval.WAITING:
            erasure.approval, erasure.second = Approval.APPROVED, asked.second
            erasure.second_name, erasure.decided_at = asked.second.display_name, timezone.now()
            erasure.save()
            detail = {"erasure": str(erasure.pk)}
            audit.record(actor=asked.second, verb="erasure.approved", person=person.uuid, detail=detail)
        return erasure
    _overtake(rows.filter(person_hash=own, approval=Approval.WAITING), person, asked)
    erasure, _ = rows.get_or_create(
        person_hash=own, rows_gone_at=None, defaults={**given, "batch": asked.batch}
    )
    return erasure


def _overtake(waiting: QuerySet[Erasure], person: ChatUser, asked: Asked) -> None:
    """Who goes another way than by the request that waits, by their age, keeps that one as it was asked, closed."""
    for row in waiting.select_for_update():
        row.approval, row.decided_at, row.person_pk = Approval.REFUSED, timezone.now(), None
        row.save(update_fields=["approval", "decided_at", "person_pk"])
        detail = {"erasure": str(row.pk)}
        audit.record(
            actor=asked.actor, by=asked.name, verb="erasure.overtaken", person=person.uuid, detail=detail
        )
