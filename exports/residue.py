"""Looks everywhere for what may be left of people who were erased. Changes nothing.

Places are read once for all of them; what is found is counted, never quoted.
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import unquote_plus

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import Error, connection

from chatadmin.lib import remains
from chatadmin.lib.models import Job
from exports.export_files import files_of
from exports.known import Known
from exports.models import Export
from exports.register import REGISTER, Declared
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
    """For each of `cases`, by place, how much was found there; None where it couldn't be looked. Raises
    django.db.Error: the database is asked again later."""
    found: list[Found] = [{} for _ in cases]
    for declared in REGISTER:
        for case, own in zip(cases, found, strict=True):
            own[f"table.{declared.name}"] = _rows(declared, case)
    for name, one in (
        ("search_index", _in_indexes),
        ("presence", _here),
        ("audit", _in_audit),
        ("exports", _exported),
    ):
        for case, own in zip(cases, found, strict=True):
            own[name] = _tried(name, functools.partial(one, case))
    for name, texts, surely in PLACES:
        counts = _tried_all(name, texts, cases, surely)
        for own, count in zip(found, counts, strict=True):
            own[name] = count
    return found


def _rows(declared: Declared, case: Case) -> int | None:
    return None if case.person_id is None else declared.rows_of(case.person_id).count()


def _in_indexes(case: Case) -> int | None:
    """Entries of SQLite's full-text indexes whose rows are gone. PostgreSQL's are looked up through their rows only,
    and those are the tables'."""
    if connection.vendor != "sqlite":
        return 0
    left = 0
    with connection.cursor() as cursor:
        for declared in REGISTER:
            span = case.spans.get(declared.name, [1, 0])
            for table in declared.search_tables:
                index = connection.ops.quote_name(f"{table}_docsize")
                rows = connection.ops.quote_name(declared.model._meta.db_table)
                cursor.execute(
                    f"SELECT (SELECT count(*) FROM {index} WHERE id BETWEEN %s AND %s)"  # noqa: S608
                    f" - (SELECT count(*) FROM {rows} WHERE id BETWEEN %s AND %s)",
                    [*span, *span],
                )
                left += abs(cursor.fetchone()[0])
    return left


def _here(case: Case) -> int | None:
    if case.known is None:
        return None
    for attempt in range(LOOKS):
        alive = presence.store().alive(case.known.uuids)
        if not alive:
            return 0
        for name in alive:
            presence.discard(uuid.UUID(name))
        if attempt < LOOKS - 1:
            time.sleep(PAUSE_SECONDS)
    return len(alive)


def _in_audit(case: Case) -> int | None:
    """Lines about the person whose details say more than codes. They name the person by hash."""
    if case.known is None:
        return None
    about = chain.from_iterable(
        audit.entries_about(uuid.UUID(name)).values_list("detail", flat=True)[:AUDIT_LINES]
        for name in case.known.uuids
    )
    return sum(_holds(_json(detail), case.known.all) for detail in about)


def _jobs() -> Iterator[str]:
    for row in Job.objects.values_list("detail", "payload", "cursor", "counts", "error").iterator():
        yield _json(row)


def _sessions() -> Iterator[str]:
    for session in Session.objects.iterator():
        yield _json(session.get_decoded())


def _saved_views() -> Iterator[str]:
    for name, query in SavedView.objects.values_list("name", "query").iterator():
        yield f"{name}\n{unquote_plus(query)}"


def _exported(case: Case) -> int | None:
    """Exported files that hold them, by the list of who is in which."""
    if case.known is None:
        return None
    # One that is stale is being begun anew without them.
    holding = Export.objects.filter(inside__person_hash__in=case.known.hashes, is_stale=False)
    return sum(len(files_of(export)) for export in holding.distinct())


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
WHERE = (*(f"table.{declared.name}" for declared in REGISTER), "search_index", "presence", "audit", "exports")
WHERE += tuple(name for name, _, _ in PLACES)


def _tried_all(
    name: str, texts: Callable[[], Iterable[str]], cases: list[Case], surely: bool
) -> list[int | None]:
    words = [(case.known.sure if surely else case.known.all) if case.known else None for case in cases]
    counts = [0] * len(cases)
    try:
        for text in texts():
            folded = text.casefold()
            for at, looked_for in enumerate(words):
                counts[at] += any(word in folded for word in looked_for or ())
    except Error:
        raise
    except Exception as error:
        _not_looked(name, error)
        return [None] * len(cases)
    return [None if looked_for is None else count for count, looked_for in zip(counts, words, strict=True)]


def _tried(name: str, one: Callable[[], int | None]) -> int | None:
    try:
        return one()
    except Error:
        raise
    except Exception as error:
        _not_looked(name, error)
        return None


def _not_looked(place: str, error: Exception) -> None:
    """Whatever it was but the database's own: a damaged file that somebody left there must keep nobody from being
    erased."""
    log.warning("residue.not_looked", place=place, error=type(error).__name__)


def _holds(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return any(word in folded for word in words)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
