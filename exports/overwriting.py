"""Makes SQLite let go of the bytes of deleted rows.

A `DELETE` leaves the words in the full-text index and in the write-ahead log, and SQL shows no trace of them.
Three things together leave none: `secure_delete` (on for every connection) overwrites freed pages, FTS5's
`merge` rewrites the whole index without its deleted entries, a few pages a transaction, so that others can write in
between, and a truncating checkpoint empties the log.
Sources: sqlite.org/pragma.html#pragma_secure_delete, sqlite.org/fts5.html section 6.8 ("merge" with a negative
number), sqlite.org/wal.html.
"""

from __future__ import annotations

import time

import structlog
from django.db import DatabaseError, OperationalError, connection, transaction

from exports import index_levels
from exports.pacing import Pace
from exports.register import REGISTER

log = structlog.get_logger("chatadmin.exports")

TRIES = 5
# A truncating checkpoint keeps writers out while it waits for readers: short waits, with room between them.
WAIT_MILLISECONDS = 200
# Pages of the index that are written in one transaction.
FIRST_PAGES, FEWEST_PAGES, MOST_PAGES = 16, 4, 1_000


def overwrite(seconds: float | None = None) -> bool:
    """Overwrites what deleted rows left in the files of an SQLite database; elsewhere there is nothing to do.

    Returns whether it is done; False where readers kept the log in use all the time, or where it takes more than
    `seconds` (call again later, it goes on).
    """
    if connection.vendor != "sqlite":
        return True
    until = None if seconds is None else time.monotonic() + seconds
    try:
        for declared in REGISTER:
            for table in declared.search_tables:
                if not _rewritten(table, until):
                    return False
    except OperationalError as error:
        log.warning("overwriting.failed", error=type(error).__name__)
        return False
    return empty_log()


def empty_log() -> bool:
    """Empties SQLite's write-ahead log, which holds the rows as they were. Returns what `overwrite` returns."""
    if connection.vendor != "sqlite":
        return True
    try:
        if any(_log_emptied() for _ in range(TRIES)):
            return True
    except OperationalError as error:
        log.warning("overwriting.failed", error=type(error).__name__)
        return False
    log.warning("overwriting.busy", tries=TRIES)
    return False


def _rewritten(table: str, until: float | None) -> bool:
    """Whether all that the index held before this call is in one piece, and nothing deleted in it; False where the time
    was up before."""
    pace = Pace(FIRST_PAGES, least=FEWEST_PAGES, most=MOST_PAGES)
    # A negative number takes everything that is there; what is written meanwhile stays beside it.
    sign = -1
    while _merged(table, sign, pace):
        sign = 1
        if until is not None and time.monotonic() >= until:
            return False
    try:
        index_levels.shorten(table)
    except DatabaseError as error:  # it can be done the next time
        log.warning("overwriting.levels", error=type(error).__name__)
    return True


def _merged(table: str, sign: int, pace: Pace) -> bool:
    """Goes on with a few pages. Whether there was anything to do."""
    name = connection.ops.quote_name(table)
    with transaction.atomic(), connection.cursor() as cursor:
        began = time.monotonic()
        before = cursor.connection.total_changes
        # The statement is a change itself.
        cursor.execute(f"INSERT INTO {name}({name}, rank) VALUES ('merge', %s)", [sign * pace.amount])  # noqa: S608
        is_more = cursor.connection.total_changes - before >= 2
    pace.rest(time.monotonic() - began, was_whole=is_more)
    return bool(is_more)


def _log_emptied() -> bool:
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
        try:
            # Most of the way nobody has to wait.
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    if busy:
        time.sleep(WAIT_MILLISECONDS / 1000)
    return not busy
