"""Erases a person: a tombstone at once, then their rows in chunks, then their own row, then the freed bytes.

Killed between any two steps it goes on where it was: the tombstone and the `Erasure` row say what is left to do.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import timezone

from chatadmin.lib import redis_store
from chatadmin.lib.bus import Event, announce
from exports import overwriting
from exports.export_files import drop_files_with
from exports.models import TICKET_PATTERN, Erasure, Reason
from exports.register import CHILDREN, PERSON, WIPED, Declared
from staff import audit
from staff.models import Account
from users import presence
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

CHUNK_ROWS = 5_000


class Held(Exception):
    """The person is under a legal hold: nothing of theirs may be erased."""


@dataclass(frozen=True)
class ErasureResult:
    """What an erasure did: its id, the rows gone by the register's names, and whether the bytes are overwritten."""

    erasure: uuid.UUID
    counts: Mapping[str, int]
    overwritten: bool


def erase(
    *, chat_user_uuid: uuid.UUID, actor: Account | None, reason: str, ticket: str = "", by: str = ""
) -> ErasureResult:
    """Erases a person for good and returns when it is done. Each of its transactions is short.

    `reason` is a `Reason`, `ticket` a reference of at most 40 letters, digits and dashes, `by` names who asked where
    that is no account. On a person whose erasure was cut short it goes on with that one. Raises Held, ValueError for
    another reason or ticket, and ChatUser.DoesNotExist for someone unknown or erased.
    """
    if reason not in Reason.values or not re.match(TICKET_PATTERN, ticket):
        raise ValueError("reason or ticket")
    person_id, erasure_id = _bury(chat_user_uuid, actor, reason, ticket, by)
    # Redis may be away: the lease then lapses by itself.
    with contextlib.suppress(*redis_store.UNREACHABLE):
        presence.discard(chat_user_uuid)
    drop_files_with(chat_user_uuid)
    while not _remove_person(chat_user_uuid, person_id, erasure_id):
        for declared in CHILDREN:
            while _remove_chunk(declared, person_id, erasure_id) == CHUNK_ROWS:
                pass
    return _finish(erasure_id)


def resume_unfinished() -> int:
    """Goes on with every erasure that a crash or a busy database left unfinished. Returns how many it finished.

    Two cheap queries where there is none. What fails is logged, and left for the next call.
    """
    finished = 0
    for person in (
        ChatUser.objects.filter(erased_at__isnull=False).order_by("pk").values_list("uuid", flat=True)
    ):
        try:
            finished += erase(chat_user_uuid=person, actor=None, reason=Reason.OTHER).overwritten
        except ChatUser.DoesNotExist:  # whoever began it finished it in between
            continue
        except Exception as error:
            log.error("erasure.failed", error=type(error).__name__)
    overwrites = Erasure.objects.filter(finished_at=None, rows_gone_at__isnull=False)
    for erasure in overwrites.order_by("started_at").values_list("pk", flat=True):
        if not _finish(erasure).overwritten:
            break
        finished += 1
    return finished


def _bury(
    person_uuid: uuid.UUID, actor: Account | None, reason: str, ticket: str, by: str
) -> tuple[int, uuid.UUID]:
    """The tombstone: from its commit on the person is on no page and accepts no write."""
    with transaction.atomic(durable=True):
        person = ChatUser.objects.select_for_update().get(uuid=person_uuid)
        if person.erased_at is None and person.held_at is not None:
            raise Held
        erasure, _ = Erasure.objects.get_or_create(
            person_hash=audit.person_hash(person_uuid),
            rows_gone_at=None,
            defaults={
                "actor": actor,
                "actor_name": actor.display_name if actor else by,
                "reason": reason,
                "ticket": ticket,
            },
        )
        if person.erased_at is None:
            ChatUser.objects.filter(pk=person.pk).update(**WIPED, erased_at=timezone.now())
        # Told again when an erasure goes on: a crash may have come before the first telling.
        announce(Event("user.erased", str(person_uuid)))
    return person.pk, erasure.pk


def _remove_chunk(declared: Declared, person_id: int, erasure_id: uuid.UUID) -> int:
    """Deletes up to CHUNK_ROWS rows of one table and counts them, in one transaction. Returns how many.

    Straight in the database: no row is loaded, no signal sent, so the number of rows costs no memory.
    """
    with transaction.atomic(durable=True):
        # The lock first: of two who erase the same person, the second must look after the first has deleted.
        erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
        chunk = declared.rows_of(person_id).order_by(*declared.order).values("pk")[:CHUNK_ROWS]
        rows = declared.model._base_manager.filter(pk__in=chunk)
        removed: int = rows._raw_delete(rows.db)
        if removed:
            erasure.counts[declared.name] = erasure.counts.get(declared.name, 0) + removed
            erasure.save(update_fields=["counts"])
    return removed


def _remove_person(person_uuid: uuid.UUID, person_id: int, erasure_id: uuid.UUID) -> bool:
    """Deletes the person's own row once nothing hangs on it. False while something does.

    Under the row lock: every writer takes it and sees the tombstone, so nothing can come in between.
    """
    with transaction.atomic(durable=True):
        person = ChatUser.objects.select_for_update().filter(pk=person_id, erased_at__isnull=False)
        found = person.first() is not None
        if found and any(declared.rows_of(person_id).exists() for declared in CHILDREN):
            return False
        erasure = Erasure.objects.select_for_update().get(pk=erasure_id)
        if erasure.rows_gone_at is not None:
            return True
        own = PERSON.rows_of(person_id)
        erasure.counts[PERSON.name] = own._raw_delete(own.db)
        erasure.rows_gone_at = timezone.now()
        erasure.save(update_fields=["counts", "rows_gone_at"])
        audit.record(
            actor=erasure.actor,
            by=erasure.actor_name,
            verb="user.erased",
            person=person_uuid,
            detail={
                "erasure": str(erasure.pk),
                "reason": erasure.reason,
                "ticket": erasure.ticket,
                "counts": erasure.counts,
            },
        )
    return True


def _finish(erasure_id: uuid.UUID) -> ErasureResult:
    done = overwriting.overwrite()
    if done:
        Erasure.objects.filter(pk=erasure_id, finished_at=None).update(finished_at=timezone.now())
    erasure = Erasure.objects.get(pk=erasure_id)
    return ErasureResult(erasure.pk, erasure.counts, done)
