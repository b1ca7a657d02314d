"""Empties what was collected: table by table, some hundred rows at a time, nothing of anybody who is held.

The rows stay, only what they hold of the item goes: a visit without its referrer is still a visit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Model, Q, QuerySet

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.models import Job, JobState
from chatadmin.lib.queue import Kind, Step
from conversations.models import ActivityEvent, EventKind, MergeJournal
from exports import overwriting
from staff import audit
from users.models import ChatUser, Collected, Visit

log = structlog.get_logger("chatadmin.exports")

KIND = "collect_purge"
ROWS = 500
OVERWRITES = 10
_DEVICE = ("browser", "browser_version", "os", "device_kind")
_PAGES = (EventKind.PAGE, EventKind.VISIT, EventKind.FIRST_VISIT)

VISITS, EVENTS, PEOPLE, JOURNALS = "visits", "events", "people", "journals"
MODELS: dict[str, type[Model]] = {
    VISITS: Visit,
    EVENTS: ActivityEvent,
    PEOPLE: ChatUser,
    JOURNALS: MergeJournal,
}
# The tables that hold something of an item, by the item's code.
ITEMS: dict[str, Sequence[str]] = {
    Collected.NETWORK: (VISITS,),
    Collected.REFERRER: (VISITS, EVENTS),
    Collected.PAGE_TITLES: (VISITS, EVENTS),
    Collected.DEVICE: (VISITS, PEOPLE, JOURNALS),
    "email_prompt": (PEOPLE, JOURNALS),
}
# The columns of an item; in the JSON of an event or a journal the keys.
COLUMNS: dict[str, dict[str, Sequence[str]]] = {
    Collected.NETWORK: {VISITS: ("network",)},
    Collected.REFERRER: {VISITS: ("referrer",), EVENTS: ("referrer",)},
    Collected.PAGE_TITLES: {VISITS: ("landing_title",), EVENTS: ("title",)},
    Collected.DEVICE: {VISITS: _DEVICE, PEOPLE: _DEVICE, JOURNALS: _DEVICE},
    "email_prompt": {PEOPLE: ("email",), JOURNALS: ("email",)},
}


def holding(item: str, table: str) -> QuerySet[Any]:
    """The rows of a table that may hold something of an item and are not held; addresses only of those whom no site
    vouches for. Of journals, which are few, all that are about such people."""
    prefix = "" if table == PEOPLE else "chat_user__"
    free = Q(**{f"{prefix}held_at": None, f"{prefix}erased_at": None})
    if item == "email_prompt":
        free &= Q(**{f"{prefix}external_id": None})
    rows: QuerySet[Any] = MODELS[table]._base_manager.filter(free)
    columns = COLUMNS[item][table]
    if table == EVENTS:
        key = f"data__{columns[0]}"
        return rows.filter(kind__in=_PAGES, data__has_key=columns[0]).exclude(**{key: ""})
    if table == JOURNALS:
        return rows
    filled = Q()
    for column in columns:
        filled |= ~Q(**{column: ""})
    return rows.filter(filled)


def _chunk(job: Job) -> Step:
    """Empties what the next rows by id hold; after the last table the freed bytes are overwritten."""
    item = job.detail["item"]
    cursor = job.cursor or {"table": 0, "after": -(2**63)}
    if cursor["table"] >= len(ITEMS[item]):
        return _overwrite(job, cursor)
    table = ITEMS[item][cursor["table"]]
    rows = MODELS[table]._base_manager.filter(pk__gt=cursor["after"]).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:ROWS])
    if not ids:
        return Step({"table": cursor["table"] + 1, "after": -(2**63)}, done=0)
    owners = "pk" if table == PEOPLE else "chat_user"
    found = holding(item, table).filter(pk__in=ids)
    people = sorted(set(found.values_list(owners, flat=True)))
    # In id order, as everybody locks people; asked again under the lock, for a hold may have come in between.
    list(ChatUser.objects.select_for_update().filter(pk__in=people).order_by("pk").values_list("pk"))
    emptied = EMPTY[table](holding(item, table).filter(pk__in=ids), item)
    return Step(
        {"table": cursor["table"], "after": ids[-1]}, done=emptied, changed=emptied, counts={table: emptied}
    )


def _empty_columns(rows: QuerySet[Any], item: str) -> int:
    return rows.order_by().update(**dict.fromkeys(COLUMNS[item][VISITS], ""))


def _empty_events(rows: QuerySet[Any], item: str) -> int:
    keys = COLUMNS[item][EVENTS]
    changed = [row for row in rows if any(_mapping(row.data).get(key) for key in keys)]
    for row in changed:
        row.data |= dict.fromkeys(keys, "")
    ActivityEvent.objects.bulk_update(changed, ["data"], batch_size=100)
    return len(changed)


def _empty_people(rows: QuerySet[Any], item: str) -> int:
    people = list(rows.only("pk", "uuid", "name", "identified_at", "email"))
    ids = [person.pk for person in people]
    if item == Collected.DEVICE:
        ChatUser.objects.filter(pk__in=ids).update(**dict.fromkeys(_DEVICE, ""))
    else:
        ChatUser.objects.filter(pk__in=ids).update(email="", email_folded=None, mail_again_at=None)
        nameless = [person.pk for person in people if not person.name]
        ChatUser.objects.filter(pk__in=nameless).update(identified_at=None)
    fields = ["device" if item == Collected.DEVICE else "email"]
    announce(*(Event("user.changed", str(person.uuid), {"fields": fields}) for person in people))
    return len(ids)


def _mapping(value: Any) -> dict[str, Any]:
    """What a JSON column holds where it is an object, which is all that was ever collected in one."""
    return value if isinstance(value, dict) else {}


def _empty_journals(rows: QuerySet[Any], item: str) -> int:
    changed = []
    for row in rows:
        places = [_mapping(row.profile), _mapping(_mapping(row.moved).get("before"))]
        found = [(place, key) for place in places for key in COLUMNS[item][JOURNALS] if place.get(key)]
        for place, key in found:
            place[key] = ""
        if found:
            changed.append(row)
    MergeJournal.objects.bulk_update(changed, ["profile", "moved"], batch_size=50)
    return len(changed)


EMPTY: dict[str, Callable[[QuerySet[Any], str], int]] = {
    VISITS: _empty_columns,
    EVENTS: _empty_events,
    PEOPLE: _empty_people,
    JOURNALS: _empty_journals,
}

# Jobs whose freed bytes this process has overwritten.
_overwritten: set[str] = set()


def _overwrite(job: Job, cursor: dict[str, Any]) -> Step:
    """Has the freed bytes overwritten once the chunk is committed; the next one sees whether that is done."""
    tried = cursor.get("tried", 0)
    name = str(job.pk)
    if name in _overwritten or not job.changed:
        _overwritten.discard(name)
        return Step(None, done=0)
    if tried >= OVERWRITES:
        log.warning("collecting.not_overwritten", job=name)
        return Step(None, done=0, counts={"not_overwritten": 1})

    def overwrite() -> None:
        if overwriting.overwrite():
            _overwritten.add(name)

    transaction.on_commit(overwrite)
    return Step({**cursor, "tried": tried + 1}, done=0)


def _ended(job: Job) -> None:
    detail = {"item": job.detail["item"], "done": job.state == JobState.DONE, "counts": job.counts}
    audit.record(actor=job.account, verb="collect.purged", detail=detail)
    log.info("collecting.purged", **detail)


JOBS = Kind(_chunk, _ended)
