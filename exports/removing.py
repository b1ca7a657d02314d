"""Deletes everything of several buried people who have little, in one short transaction for all of them.

Whoever has more is left to exports/erasure.py, which takes one person's rows in chunks. Killed in the middle, nothing has
happened: the tombstones still say what is left to do.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chatadmin.lib.bus import FORGET, Event, announce
from chatadmin.lib.rows import save_rows
from exports.models import Erasure
from exports.register import BY_NAME, CHILDREN, PERSON
from exports.tombstones import open_erasures, settle
from staff import audit
from staff.models import AuditEntry
from users.models import ChatUser

PEOPLE = 100
# Of all of them together: so long everybody else may have to wait.
ROWS = 1_000

# The person's number, and their rows' numbers, by the register's names.
Rows = dict[int, dict[str, list[int]]]


def remove_small(people: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Deletes the rows of those of `people`, PEOPLE at most, who are buried, on whom nobody works and who have few.
    Returns who is left."""
    buried = list(ChatUser.objects.filter(uuid__in=people, erased_at__isnull=False).order_by("pk"))
    erasures = {row.person_hash: row for row in _open(buried)}
    ready = [person for person in buried if _hash(person) in erasures]
    # Told again: a crash may have come before the first telling.
    announce(*(Event(FORGET, str(person.uuid)) for person in ready))
    settle(ready, [erasures[_hash(person)] for person in ready])
    done = set(_removed([person.pk for person in ready]))
    return [person.uuid for person in buried if person.pk not in done]


def _hash(person: ChatUser) -> str:
    return audit.person_hash(person.uuid)


def _open(people: Sequence[ChatUser]) -> QuerySet[Erasure]:
    return open_erasures([_hash(person) for person in people])


def _removed(ids: Sequence[int]) -> Iterator[int]:
    """Removes them by halves, until a half has few enough rows."""
    if not ids:
        return
    done = _remove(ids)
    if done is not None:
        yield from done
    elif len(ids) > 1:
        half = len(ids) // 2
        yield from _removed(ids[:half])
        yield from _removed(ids[half:])


def _remove(ids: Sequence[int]) -> list[int] | None:
    """Those of `ids` who are gone now; None where there are more rows than may go at once."""
    with transaction.atomic(durable=True):
        # Under the row locks: every writer takes them and sees the tombstone, so nothing comes in between.
        locked = ChatUser.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=False)
        people = list(locked.order_by("pk"))
        now = timezone.now()
        open_ = _open(people).select_related("actor").order_by("person_hash")
        rows = {row.person_hash: row for row in open_.select_for_update(of=("self",))}
        free = {hash_: row for hash_, row in rows.items() if not row.leased_until or row.leased_until <= now}
        people = [person for person in people if _hash(person) in free]
        found = _rows_of([person.pk for person in people])
        if found is None:
            return None
        _delete(found)
        _note(people, free, found)
    return [person.pk for person in people]


def _rows_of(ids: Sequence[int]) -> Rows | None:
    found: Rows = {pk: {} for pk in ids}
    left = ROWS
    for declared in CHILDREN:
        table = declared.model._base_manager.filter(**{f"{declared.path}__in": ids})
        rows = list(table.values_list(declared.path, "pk")[: left + 1])
        left -= len(rows)
        if left < 0:
            return None
        for person, pk in rows:
            found[person].setdefault(declared.name, []).append(pk)
    return found


def _delete(found: Rows) -> None:
    """Straight in the database, in the register's order: no row is loaded, no signal sent."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for own in found.values():
        for name, ids in own.items():
            by_name[name] += ids
    for declared in (*CHILDREN, PERSON):
        ids = list(found) if declared is PERSON else by_name[declared.name]
        if ids:
            rows = declared.model._base_manager.filter(pk__in=ids)
            rows._raw_delete(rows.db)


def _note(people: Sequence[ChatUser], erasures: Mapping[str, Erasure], found: Rows) -> None:
    """What went, in each one's erasure and in the audit log."""
    rows, lines, now = [], [], timezone.now()
    for person in people:
        erasure = erasures[_hash(person)]
        counts, spans = dict(erasure.counts), dict(erasure.spans or {})
        for name, ids in (found[person.pk] | {PERSON.name: [person.pk]}).items():
            counts[name] = counts.get(name, 0) + len(ids)
            if BY_NAME[name].search_tables:
                low, high = spans.get(name, (ids[0], ids[0]))
                spans[name] = [min(low, *ids), max(high, *ids)]
        erasure.counts, erasure.spans = counts, spans
        erasure.rows_gone_at, erasure.leased_until = now, None
        rows.append(erasure)
        lines.append(erased_line(person.uuid, erasure))
    save_rows(rows, ["counts", "spans", "rows_gone_at", "leased_until"])
    audit.record_entries(lines)


def erased_line(person: uuid.UUID, erasure: Erasure) -> AuditEntry:
    """The line of the audit log that says so, not added yet."""
    return audit.entry(
        actor=erasure.actor,
        by=erasure.actor_name,
        verb="user.erased",
        person=person,
        detail={
            "erasure": str(erasure.pk),
            "reason": erasure.reason,
            "ticket": erasure.ticket,
            "counts": erasure.counts,
        },
    )
