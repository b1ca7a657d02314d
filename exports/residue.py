"""Looks everywhere for what may be left of people who were erased. Changes nothing.

Places are read once for all of them; what is found is counted, never quoted.
"""

from __future__ import annotations

import functools
import json
import operator
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import Error, connection
from django.db.models import Count

from chatadmin.lib import redis_store, remains
from chatadmin.lib.models import Job
from exports.export_files import files_of
from exports.known import Known, stands_in
from exports.models import ExportedPerson
from exports.register import REGISTER, Declared
from exports.short import in_short_transaction
from search.models import SavedView
from staff import audit
from users import presence

log = structlog.get_logger("chatadmin.exports")

AUDIT_LINES = 1_000
# Of each file so much is read, its end: a deletion must not wait for gigabytes. Who is in a larger export is listed.
FILE_BYTES = 32 * 1024 * 1024
# A frame that was on its way when the person was erased may bring a lease back for a moment.
LOOKS, PAUSE_SECONDS = 3, 0.3

Found = dict[str, int | None]


@dataclass(frozen=True)
class Case:
    """One erased person: the number that their row had, what was known of them, and the `spans` of rows gone."""

    person_id: int | None
    known: Known | None
    spans: Mapping[str, list[int]] = field(default_factory=dict)


def look(cases: list[Case]) -> list[Found]:
    """For each of `cases`, by place, how much was found there; None where it couldn't be looked. A place that this
    installation hasn't got isn't named. Raises django.db.Error: the database is asked again later."""
    found: list[Found] = [{} for _ in cases]
    for declared in REGISTER:
        _take_down(found, f"table.{declared.name}", _rows(declared, cases))
    for name, all_of in (
        ("search_index", _in_indexes),
        ("presence", _here),
        ("audit", _in_audit),
        ("exports", _exported),
    ):
        _take_down(found, name, _tried(name, all_of, cases))
    for name, texts, surely in PLACES:
        if name in absent():
            continue
        _take_down(found, name, _tried(name, functools.partial(_in_texts, name, texts, surely), cases))
    return found


def absent() -> list[str]:
    """The places of WHERE that this installation hasn't got."""
    return [] if redis_store.configured() else ["redis"]


def _take_down(found: list[Found], name: str, counts: list[int | None]) -> None:
    for own, count in zip(found, counts, strict=True):
        own[name] = count


def _rows(declared: Declared, cases: list[Case]) -> list[int | None]:
    ids = [case.person_id for case in cases if case.person_id is not None]
    left = declared.model._base_manager.filter(**{f"{declared.path}__in": ids})
    counted = left.values_list(declared.path).annotate(Count("pk")).order_by()
    counts = in_short_transaction(lambda: dict(counted))
    return [None if case.person_id is None else counts.get(case.person_id, 0) for case in cases]


def _in_indexes(cases: list[Case]) -> list[int | None]:
    """Entries of SQLite's full-text indexes whose rows are gone. PostgreSQL's are looked up through their rows only,
    and those are the tables'."""
    left = [0] * len(cases)
    for declared in REGISTER if connection.vendor == "sqlite" else ():
        spans = {
            at: case.spans[declared.name] for at, case in enumerate(cases) if declared.name in case.spans
        }
        for table in declared.search_tables:
            # Spans of many people lie within each other: each number is looked at once, and only where something is
            # left, whose it is.
            if any(_apart(declared, table, span) for span in _joined(spans.values())):
                for at, span in spans.items():
                    left[at] += _apart(declared, table, span)
    return [*left]


def _joined(spans: Iterable[list[int]]) -> list[list[int]]:
    """The same numbers in spans that don't touch."""
    joined: list[list[int]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], high)
        else:
            joined.append([low, high])
    return joined


def _apart(declared: Declared, table: str, span: list[int]) -> int:
    """How many more entries than rows, or fewer, there are between two numbers."""
    index = connection.ops.quote_name(f"{table}_docsize")
    rows = connection.ops.quote_name(declared.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT count(*) FROM {index} WHERE id BETWEEN %s AND %s)"  # noqa: S608
            f" - (SELECT count(*) FROM {rows} WHERE id BETWEEN %s AND %s)",
            [*span, *span],
        )
        return abs(int(cursor.fetchone()[0]))


def _here(cases: list[Case]) -> list[int | None]:
    names = {name for case in cases if case.known for name in case.known.uuids}
    alive: set[str] = set()
    for attempt in range(LOOKS):
        alive = presence.store().alive(names)
        if not alive:
            break
        presence.discard_all(uuid.UUID(name) for name in alive)
        if attempt < LOOKS - 1:
            time.sleep(PAUSE_SECONDS)
    return [len(alive & set(case.known.uuids)) if case.known else None for case in cases]


def _in_audit(cases: list[Case]) -> list[int | None]:
    """Lines about each person whose details say more than codes. They name the person by hash."""
    everybody = [uuid.UUID(name) for case in cases if case.known for name in case.known.uuids]
    told = _told_of(everybody)
    if len(told) > AUDIT_LINES and len(cases) > 1:
        return [count for case in cases for count in _in_audit([case])]
    texts: dict[str, list[str]] = {}
    for hash_, detail in told[:AUDIT_LINES]:
        texts.setdefault(hash_, []).append(_json(detail))
    return [
        sum(_holds(text, known.all) for own in known.hashes for text in texts.get(own, [])) if known else None
        for known in (case.known for case in cases)
    ]


def _told_of(people: list[uuid.UUID]) -> list[tuple[str, Any]]:
    return list(audit.entries_about(*people).values_list("person_hash", "detail")[: AUDIT_LINES + 1])


def _jobs() -> Iterator[str]:
    for row in Job.objects.values_list("detail", "payload", "cursor", "counts", "error").iterator():
        yield _json(row)


def _sessions() -> Iterator[str]:
    for session in Session.objects.iterator():
        yield _json(session.get_decoded())


def _saved_views() -> Iterator[str]:
    for name, query in SavedView.objects.values_list("name", "query").iterator():
        yield "\n".join([name, *(value for _, value in parse_qsl(query))])


def _exported(cases: list[Case]) -> list[int | None]:
    """Exported files that hold them, by the list of who is in which."""
    hashes = [own for case in cases if case.known for own in case.known.hashes]
    # One that is stale is being begun anew without them.
    holding = ExportedPerson.objects.filter(person_hash__in=hashes, export__is_stale=False)
    files: dict[str, int] = {}
    for inside in holding.select_related("export"):
        files[inside.person_hash] = files.get(inside.person_hash, 0) + len(files_of(inside.export))
    return [sum(files.get(own, 0) for own in case.known.hashes) if case.known else None for case in cases]


def _exported_files() -> Iterator[str]:
    return _files_under(Path(settings.VAR_DIR) / "exports")


def _logs() -> Iterator[str]:
    var = Path(settings.VAR_DIR)
    for path in sorted({*var.glob("*.log"), *remains.own_log_files()}):
        yield from remains.in_file(path, most=FILE_BYTES)
    yield from _files_under(var / "logs")


def _files_under(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            yield from remains.in_file(path, most=FILE_BYTES)


# Where it is looked for texts, and whether only for those that can't mean anybody else.
PLACES: tuple[tuple[str, Callable[[], Iterable[str]], bool], ...] = (
    ("jobs", _jobs, False),
    ("sessions", _sessions, False),
    ("saved_views", _saved_views, False),
    ("memory", remains.in_memory, True),
    ("redis", remains.in_redis, True),
    ("exported_files", _exported_files, True),
    ("logs", _logs, True),
)
# Where a length may stand right before a text.
PACKED = {"memory", "redis"}
WHERE = (*(f"table.{declared.name}" for declared in REGISTER), "search_index", "presence", "audit", "exports")
WHERE += tuple(name for name, _, _ in PLACES)


def _in_texts(
    name: str, texts: Callable[[], Iterable[str]], surely: bool, cases: list[Case]
) -> list[int | None]:
    words = [_words(case.known, name, surely) if case.known else None for case in cases]
    holds = operator.contains if name in PACKED else _contains
    counts = [0] * len(cases)
    for text in texts():
        folded = text.casefold()
        for at, looked_for in enumerate(words):
            counts[at] += any(holds(folded, word) for word in looked_for or ())
    return [None if looked_for is None else count for count, looked_for in zip(counts, words, strict=True)]


def _words(known: Known, place: str, surely: bool) -> list[str]:
    if surely:
        return known.sure
    return [*known.all, *known.words] if place == "saved_views" else known.all


def _contains(text: str, word: str) -> bool:
    return stands_in(word, text)


def _tried(
    name: str, all_of: Callable[[list[Case]], list[int | None]], cases: list[Case]
) -> list[int | None]:
    try:
        return all_of(cases)
    except Error:
        raise
    except Exception as error:  # a damaged file that somebody left there must keep nobody from being erased
        log.warning("residue.not_looked", place=name, error=type(error).__name__)
        return [None] * len(cases)


def _holds(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return any(stands_in(word, folded) for word in words)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
