"""The audit log: who did what to whom. A person is named by keyed hash only."""

from __future__ import annotations

import functools
import hashlib
import hmac
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from staff.audit_mac import marked
from staff.models import Account, AuditEntry


@functools.cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin audit person", "sha256")


def person_hash(person: uuid.UUID) -> str:
    """The keyed hash by which the log names a person: 64 hex digits (HMAC-SHA256)."""
    return hmac.new(_key(settings.SECRET_KEY), person.bytes, hashlib.sha256).hexdigest()


def record(
    *,
    actor: Account | None,
    verb: str,
    person: uuid.UUID | None = None,
    detail: dict[str, Any] | None = None,
    by: str = "",
) -> AuditEntry:
    """Adds a line. `verb` is `noun.verb`; `detail` holds codes, ids and field names, never personal text.

    `by` names who did it where that is a program, by its key; `actor` is then nobody, or who answers for the key.
    """
    line = marked(entry(actor=actor, verb=verb, person=person, detail=detail, by=by))
    line.save(force_insert=True)
    return line


def entry(
    *,
    actor: Account | None,
    verb: str,
    person: uuid.UUID | None = None,
    detail: dict[str, Any] | None = None,
    by: str = "",
) -> AuditEntry:
    """The same line, not added yet: for `record_entries`."""
    return AuditEntry(
        actor=actor,
        actor_name=by or (actor.display_name if actor else ""),
        verb=verb,
        person_hash=person_hash(person) if person else "",
        detail=detail or {},
    )


def record_entries(entries: Iterable[AuditEntry]) -> None:
    """Adds lines that `entry` made."""
    AuditEntry.objects.bulk_create([marked(line) for line in entries])


def record_many(
    *, actor: Account | None, verb: str, people: Iterable[uuid.UUID], detail: dict[str, Any]
) -> None:
    """Adds the same line about each of `people`."""
    now = timezone.now()
    lines = [entry(actor=actor, verb=verb, person=person, detail=detail) for person in people]
    for line in lines:
        line.at = now
    record_entries(lines)


def entries_about(*people: uuid.UUID) -> QuerySet[AuditEntry]:
    """The lines about one person, newest first; or about any of several, as those are who were joined into one."""
    # The index holds lines about somebody only; SQLite takes it where the query says so too, else it walks the log.
    about = AuditEntry.objects.filter(person_hash__in=[person_hash(person) for person in people])
    return about.exclude(person_hash="").order_by("-at", "-id")
