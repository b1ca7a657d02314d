"""Erases a person: a tombstone at once, then their rows in chunks, then their own row, then the freed bytes; then it is
looked whether anything is left, and a receipt signed.

Killed between any two steps it goes on where it was: the tombstone and the `Erasure` row say what is left to do.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from chatadmin.lib.jobs import is_stopping
from exports import concluding, mentions, removing
from exports.edges import beyond, up_to
from exports.models import Erasure, Reason
from exports.pacing import Pace
from exports.register import CHILDREN, PERSON, Declared
from exports.removing import erased_line
from exports.short import in_short_transaction
from exports.tombstones import LEASE, Asked, Held, bury, settle, withdrawing
from staff import audit
from staff.models import Account
from users.models import ChatUser

__all__ = [
    "Asked",
    "ErasureResult",
    "Held",
    "Sweeper",
    "erase",
    "file",
    "finish_waiting",
    "resume_unfinished",
]

log = structlog.get_logger("chatadmin.exports")

# In one transaction; how many of them it is depends on how long the last took.
CHUNK_ROWS, FIRST_ROWS, FEWEST_ROWS = 5_000, 500, 50
# So long overwriting may take while somebody waits for an answer.
AT_ONCE_SECONDS = 1.0
# So many people's rows go before the freed bytes of all of them are overwritten.
BATCH = 1_000
REST_SECONDS = 20.0


Edge = tuple[str, Any, int]


@dataclass(frozen=True)
class ErasureResult:
    """What an erasure did: its id, the rows gone by the register's names, and whether the bytes are overwritten."""

    erasure: uuid.UUID
    counts: Mapping[str, int]
    overwritten: bool


def erase(
    *, chat_user_uuid: uuid.UUID, actor: Account | None, reason: str, ticket: str = "", by: str = ""
) -> ErasureResult:
    """Erases a person for good and returns when their rows are gone. Each of its transactions is short. Overwriting what
    is freed is left to whoever works on erasures where it takes more than AT_ONCE_SECONDS.

    `reason` is a `Reason`, `ticket` a reference of at most 40 letters, digits and dashes, `by` names who asked where
    that is no account. On a person whose erasure was cut short it goes on with that one. Raises Held, ledger.Unwritable
    (nothing was done then), ValueError for another reason or ticket, and ChatUser.DoesNotExist for someone unknown or
    erased.
    """
    person_id, erasure_id = _bury(chat_user_uuid, Asked(actor, reason, ticket, by))
    try:
        _remove_everything(chat_user_uuid, person_id, erasure_id)
        return _finish(erasure_id)
    finally:
        _let_go(erasure_id)


def file(
    *, chat_user_uuid: uuid.UUID, actor: Account | None, reason: str, ticket: str = "", by: str = ""
) -> uuid.UUID:
    """The tombstone alone: nobody finds the person any more, and whoever works on erasures does the rest.

    Returns the erasure's id. Raises what `erase` raises.
    """
    return bury_one(chat_user_uuid, Asked(actor, reason, ticket, by))


def bury_one(chat_user_uuid: uuid.UUID, asked: Asked) -> uuid.UUID:
    """The same for whoever `asked`. Raises NotWaiting where that approves what nobody asks for."""
    _, erasure_id = _bury(chat_user_uuid, asked)
    _let_go(erasure_id)
    return erasure_id


def resume_unfinished() -> int:
    """Does what is left of every erasure that was filed, or that a crash or a busy database left unfinished, and that
    nobody else works on. Returns how many it finished.

    Two cheap queries where there is none. What fails is logged, and left for the next call.
    """
    remove_waiting()
    return finish_waiting()


def remove_waiting() -> int:
    """Deletes the rows of up to BATCH people who were buried and whom nobody works on: those who have little together,
    the others one by one. Returns how many people it found."""
    found = _waiting()
    for at in range(0, len(found), removing.PEOPLE):
        for person in _rest(found[at : at + removing.PEOPLE]):
            try:
                _go_on(person)
            except ChatUser.DoesNotExist:  # whoever began it finished it in between
                continue
            except Exception as error:
                log.error("erasure.failed", error=type(error).__name__)
        if is_stopping():
            break
    return len(found)


def _rest(people: list[uuid.UUID]) -> list[uuid.UUID]:
    """Who is left after those who have little went together; everybody, where that failed, for one of them may be why."""
    try:
        return removing.remove_small(people)
    except Exception as error:
        log.error("erasure.together_failed", error=type(error).__name__)
        return people


def finish_waiting() -> int:
    """Finishes those whose rows are gone, until one of them can't be. Returns how many."""
    finished = 0
    while ids := concluding.waiting():
        done = concluding.finish(ids)
        finished += done
        if done < len(ids):
            break
    return finished


class Sweeper:
    """What the server does every second: removes rows; finishes, with a rest where that can't be done yet, for asking
    SQLite to empty its log keeps writers out for a moment."""

    def __init__(self) -> None:
        self.rest_until = 0.0

    def run(self) -> None:
        """Does what there is to do now."""
        remove_waiting()
        if time.monotonic() >= self.rest_until:
            finish_waiting()
            if concluding.waiting():
                self.rest_until = time.monotonic() + REST_SECONDS


def _waiting() -> list[uuid.UUID]:
    """The people of BATCH tombstones whose erasures nobody works on."""
    at_work = Erasure.objects.filter(
        rows_gone_at=None, leased_until__gt=timezone.now(), person_pk__isnull=False
    )
    left = ChatUser.objects.filter(erased_at__isnull=False).exclude(pk__in=at_work.values("person_pk"))
    return list(left.order_by("pk").values_list("uuid", flat=True)[:BATCH])


def _go_on(person: uuid.UUID) -> None:
    person_id, erasure_id = _bury(person, Asked(None, Reason.OTHER))
    try:
        _remove_everything(person, person_id, erasure_id)
    finally:
        _let_go(erasure_id)


def _remove_everything(person_uuid: uuid.UUID, person_id: int, erasure_id: uuid.UUID) -> None:
    pace = Pace(FIRST_ROWS, least=FEWEST_ROWS, most=CHUNK_ROWS)
    while not _remove_person(person_uuid, person_id, erasure_id):
        for declared in CHILDREN:
            walk = Walk(declared, person_id)
            while not walk.is_over:
                _remove_chunk(declared, erasure_id, walk, pace)


class Walk:
    """Goes along one table's rows of a person, in the table's order. It never comes back to where it was, for on
    PostgreSQL what was deleted there is read anew each time."""

    def __init__(self, declared: Declared, person_id: int) -> None:
        self.rows, self.order = declared.rows_of(person_id), declared.order
        self.last: Edge | None = None
        self.is_over = False

    def next(self, size: int) -> tuple[QuerySet[Any], Edge | None]:
        """The next `size` rows and the last of them; or what is left of them, and None."""
        rows = self.rows if self.last is None else self.rows.filter(beyond(*self.last))
        first = self.order[0]
        for value, key in rows.order_by(*self.order).values_list(first, "pk")[size - 1 : size]:
            return rows.filter(up_to(first, value, key)), (first, value, key)
        return rows, None

    def go_on(self, last: Edge | None) -> None:
        """Those rows are gone for good."""
        self.last, self.is_over = last, last is None


def _bury(person_uuid: uuid.UUID, asked: Asked) -> tuple[int, uuid.UUID]:
    mentioned = _mentions(person_uuid)
    with withdrawing(), transaction.atomic(durable=True):
        person = ChatUser.objects.select_for_update().get(uuid=person_uuid)
        if person.erased_at is None and person.held_at is not None:
            raise Held
        is_new = person.erased_at is None
        [erasure] = bury([person], asked)
        if is_new:
            Erasure.objects.filter(pk=erasure.pk).update(mentioned=mentioned)
    settle([person], [erasure])
    return person.pk, erasure.pk


def _mentions(person_uuid: uuid.UUID) -> int | None:
    """How many messages of other people name somebody who is still whole. None where it can't be told."""
    person = ChatUser.objects.filter(uuid=person_uuid, erased_at=None, held_at=None).first()
    try:
        return mentions.count(person) if person is not None else None
    except Exception as error:  # it is told on the receipt, and keeps nobody from being erased
        log.warning("erasure.mentions_not_counted", error=type(error).__name__)
        return None


def _let_go(erasure_id: uuid.UUID) -> None:
    Erasure.objects.filter(pk=erasure_id, leased_until__isnull=False).update(leased_until=None)


def _remove_chunk(declared: Declared, erasure_id: uuid.UUID, walk: Walk, pace: Pace) -> int:
    """Deletes the next rows of one table and counts them, in one transaction. Returns how many.

    Straight in the database: no row is loaded, no signal sent, so the number of rows costs no memory.
    """
    began = 0.0

    def remove() -> tuple[int, Edge | None]:
        nonlocal began
        # The lock first: of two who erase the same person, the second must look after the first has deleted.
        erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
        began = time.monotonic()
        rows, last = walk.next(pace.amount)
        if declared.search_tables and connection.vendor == "sqlite":
            _note_span(erasure, declared.name, rows)
        removed: int = rows._raw_delete(rows.db)
        if removed:
            erasure.counts[declared.name] = erasure.counts.get(declared.name, 0) + removed
            erasure.leased_until = timezone.now() + LEASE
            erasure.save(update_fields=["counts", "spans", "leased_until"])
        return removed, last

    removed, last = in_short_transaction(remove, pace.slow_down)
    walk.go_on(last)
    pace.rest(time.monotonic() - began, was_whole=not walk.is_over)
    return removed


def _note_span(erasure: Erasure, name: str, rows: QuerySet[Any, Any]) -> None:
    """Between which numbers the rows are: there SQLite's search index is looked at afterwards."""
    ends = rows.aggregate(low=Min("pk"), high=Max("pk"))
    if ends["low"] is None:
        return
    spans = dict(erasure.spans or {})
    low, high = spans.get(name, (ends["low"], ends["high"]))
    erasure.spans = {**spans, name: [min(low, ends["low"]), max(high, ends["high"])]}


def _remove_person(person_uuid: uuid.UUID, person_id: int, erasure_id: uuid.UUID) -> bool:
    """Deletes the person's own row once nothing hangs on it. False while something does."""
    return in_short_transaction(lambda: _person_removed(person_uuid, person_id, erasure_id))


def _person_removed(person_uuid: uuid.UUID, person_id: int, erasure_id: uuid.UUID) -> bool:
    """Under the row lock: every writer takes it and sees the tombstone, so nothing can come in between."""
    person = ChatUser.objects.select_for_update().filter(pk=person_id, erased_at__isnull=False)
    found = person.first() is not None
    if found and any(_has_any(declared, person_id) for declared in CHILDREN):
        return False
    erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
    if erasure.rows_gone_at is not None:
        return True
    own = PERSON.rows_of(person_id)
    erasure.counts[PERSON.name] = own._raw_delete(own.db)
    erasure.rows_gone_at, erasure.leased_until = timezone.now(), timezone.now() + LEASE
    erasure.spans = {**(erasure.spans or {}), PERSON.name: [person_id, person_id]}
    erasure.save(update_fields=["counts", "rows_gone_at", "spans", "leased_until"])
    audit.record_entries([erased_line(person_uuid, erasure)])
    return True


def _has_any(declared: Declared, person_id: int) -> bool:
    # Along the index that it was walked along; `exists` would take any.
    return bool(declared.rows_of(person_id).order_by(*declared.order).values_list("pk")[:1])


def _finish(erasure_id: uuid.UUID) -> ErasureResult:
    done = bool(concluding.finish([erasure_id], AT_ONCE_SECONDS))
    erasure = Erasure.objects.get(pk=erasure_id)
    return ErasureResult(erasure.pk, erasure.counts, done or erasure.finished_at is not None)
