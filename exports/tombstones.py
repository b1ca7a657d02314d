"""The tombstone: in one transaction everything in a person's row is wiped. From its commit on they are on no page and
accept no write, and their erasure is in the ledger.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import uuid
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chatadmin.lib import redis_store
from chatadmin.lib.bus import FORGET, Event, announce
from chatadmin.lib.rows import save_rows
from exports import ledger
from exports.export_files import drop_files_with
from exports.known import known_of_all, seal, unseal
from exports.models import TICKET_PATTERN, Approval, Erasure, Reason
from exports.register import WIPED
from staff import audit
from staff.models import Account
from users import presence
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

LEASE = dt.timedelta(seconds=10)
Written = dict[uuid.UUID, list[str]]
_written: ContextVar[Written] = ContextVar("written")


class Held(Exception):
    """The person is under a legal hold: nothing of theirs may be erased."""


class NotWaiting(Exception):
    """Nobody asks for this erasure, or it was decided already."""


@dataclass(frozen=True)
class Asked:
    """Who asked for an erasure, and why: a `Reason` and a reference of at most 40 letters, digits and dashes.

    `by` names who asked where that is no account, `batch` is what many were asked for together by, `together` whether
    they are only buried now and whoever works on erasures does the rest, `second` who approves what somebody else has
    asked for: that one's reason and ticket then stand. Raises ValueError.
    """

    actor: Account | None
    reason: str
    ticket: str = ""
    by: str = ""
    batch: uuid.UUID | None = None
    second: Account | None = None
    together: bool = False

    def __post_init__(self) -> None:
        if self.reason not in Reason.values or not re.match(TICKET_PATTERN, self.ticket):
            raise ValueError("reason or ticket")

    @property
    def name(self) -> str:
        """The asker's name, as it is kept."""
        return self.by or (self.actor.display_name if self.actor else "")


@contextlib.contextmanager
def withdrawing() -> Iterator[None]:
    """Goes around the whole transaction in which `bury` is called: what that wrote into the ledger is taken back where
    the transaction isn't committed. Inside of another such it goes around a part that may be rolled back alone."""
    written: Written = _written.get({})
    earlier = set(written)
    token = _written.set(written)
    try:
        yield
    except BaseException:
        lost = {erasure: written.pop(erasure) for erasure in [*written] if erasure not in earlier}
        with contextlib.suppress(ledger.Unwritable):
            if lost:
                ledger.withdraw(lost)
        raise
    finally:
        _written.reset(token)


def bury(people: Sequence[ChatUser], asked: Asked) -> list[Erasure]:
    """The tombstones of people whose rows the caller's transaction has locked, and whom no hold keeps. `withdrawing` is
    around that transaction; `settle` follows its commit.

    Raises ledger.Unwritable, NotWaiting where `asked` approves what nobody asks for, and LookupError outside of
    `withdrawing`.
    """
    rows, now, written = _rows(people, asked), timezone.now(), _written.get()
    # What was committed stays in the ledger, whatever fails afterwards.
    transaction.on_commit(written.clear)
    living = [(person, row) for person, row in zip(people, rows, strict=True) if person.erased_at is None]
    known = known_of_all([person for person, _ in living])
    for (person, row), own in zip(living, known, strict=True):
        row.known, row.expected = seal(own), person.message_count
    hashes = {row.pk: own.hashes for (_, row), own in zip(living, known, strict=True)}
    written.update(hashes)
    for person, row in zip(people, rows, strict=True):
        row.person_pk = person.pk
        # Of many, none is worked on by whoever buries them.
        row.leased_until = None if asked.together else now + LEASE
    _save(rows)
    ChatUser.objects.filter(pk__in=[person.pk for person, _ in living]).update(**WIPED, erased_at=now)
    if hashes:
        ledger.append(hashes)
    # Told again when an erasure goes on: a crash may have come before the first telling.
    announce(*(Event(FORGET, str(person.uuid)) for person in people))
    return rows


def _save(rows: Sequence[Erasure]) -> None:
    there = [row for row in rows if not row._state.adding]
    Erasure.objects.bulk_create([row for row in rows if row._state.adding])
    save_rows(there, ["known", "expected", "person_pk", "leased_until"])


def confirm(erasures: Sequence[Erasure]) -> None:
    """Has the ledger say of erasures that their tombstones are committed, where it doesn't yet. Raises
    ledger.Unwritable."""
    unsaid = [row for row in erasures if not row.is_confirmed]
    known = {row.pk: unseal(row.known) for row in unsaid}
    hashes = {pk: own.hashes for pk, own in known.items() if own is not None}
    if hashes:
        ledger.confirm(hashes)
        Erasure.objects.filter(pk__in=hashes).update(is_confirmed=True)


def settle(people: Sequence[ChatUser], erasures: Sequence[Erasure]) -> None:
    """What follows the commit of tombstones. A ledger that can't be written now is told when they are finished."""
    try:
        confirm(erasures)
    except ledger.Unwritable as error:
        log.error("erasure.not_confirmed", error=type(error).__name__)
    vanish(people, erasures)


def vanish(people: Sequence[ChatUser], erasures: Sequence[Erasure]) -> None:
    """Once the tombstones are committed: they are not here any more, and no exported file holds them, nor the earlier
    visitors who were joined into them."""
    names: list[uuid.UUID] = []
    for person, erasure in zip(people, erasures, strict=True):
        known = unseal(erasure.known)
        names += [uuid.UUID(name) for name in known.uuids] if known else [person.uuid]
    # Redis may be away: the leases then lapse by themselves.
    with contextlib.suppress(*redis_store.UNREACHABLE):
        presence.discard_all(names)
    try:
        drop_files_with(names)
    except OSError as error:  # the residue check will tell of what is left
        log.error("erasure.file_stays", error=type(error).__name__)


def _rows(people: Sequence[ChatUser], asked: Asked) -> list[Erasure]:
    """The open erasure of each of `people`; a new one, not saved yet, for whom there is none."""
    hashes = [audit.person_hash(person.uuid) for person in people]
    if asked.second is not None:
        return _approved(people, hashes, asked.second)
    given = {"actor": asked.actor, "actor_name": asked.name, "reason": asked.reason, "ticket": asked.ticket}
    there = {row.person_hash: row for row in open_erasures(hashes).select_for_update()}
    _overtake([row for row in there.values() if row.approval == Approval.WAITING], asked)
    at_work = {own: row for own, row in there.items() if row.approval != Approval.REFUSED}
    return [at_work.get(own) or Erasure(person_hash=own, batch=asked.batch, **given) for own in hashes]


def _overtake(waiting: Sequence[Erasure], asked: Asked) -> None:
    """Who goes another way than by the request that waits, by their age, keeps that one as it was asked, closed."""
    lines = []
    for row in waiting:
        row.approval, row.decided_at, row.person_pk = Approval.REFUSED, timezone.now(), None
        line = audit.entry(
            actor=asked.actor, by=asked.name, verb="erasure.overtaken", detail={"erasure": str(row.pk)}
        )
        line.person_hash = row.person_hash
        lines.append(line)
    save_rows(waiting, ["approval", "decided_at", "person_pk"])
    audit.record_entries(lines)


def open_erasures(hashes: Sequence[str]) -> QuerySet[Erasure]:
    """Those of people, named by hash, that nobody refused and whose rows are not gone yet."""
    rows = Erasure.objects.filter(person_hash__in=hashes, rows_gone_at=None)
    return rows.exclude(approval=Approval.REFUSED)


def _approved(people: Sequence[ChatUser], hashes: Sequence[str], second: Account) -> list[Erasure]:
    found = open_erasures(hashes).exclude(approval=Approval.NONE).select_for_update()
    rows = {row.person_hash: row for row in found}
    lines = []
    for person, own in zip(people, hashes, strict=True):
        row = rows.get(own)
        if row is None:
            raise NotWaiting
        if row.approval == Approval.WAITING:
            row.approval, row.second, row.second_name = Approval.APPROVED, second, second.display_name
            row.decided_at = timezone.now()
            detail = {"erasure": str(row.pk)}
            lines.append(
                audit.entry(actor=second, verb="erasure.approved", person=person.uuid, detail=detail)
            )
    save_rows(list(rows.values()), ["approval", "second", "second_name", "decided_at"])
    audit.record_entries(lines)
    return [rows[own] for own in hashes]
