"""Makes SQLite let go of the bytes of deleted rows.

A `DELETE` leaves the words in the full-text index and in the write-ahead log, and SQL shows no trace of them.
Three things together leave none: `secure_delete` (on for every connection) overwrites freed pages, FTS5's
`optimize` rewrites the index without its deleted entries, and a truncating checkpoint empties the log.
Sources: sqlite.org/pragma.html#pragma_secure_delete, sqlite.org/fts5.html section 6.8, sqlite.org/wal.html.
"""

from __future__ import annotations

import time

import structlog
from django.db import OperationalError, connection

from exports.register import REGISTER

log = structlog.get_logger("chatadmin.exports")

TRIES = 5
# A truncating checkpoint keeps writers out while it waits for readers: short waits, with room between them.
WAIT_MILLISECONDS = 200


def overwrite() -> bool:
    """Overwrites what deleted rows left in the files of an SQLite database; elsewhere there is nothing to do.

    Returns whether it is done; False where readers kept the log in use all the time (call again later).
    """
    if connection.vendor != "sqlite":
        return True
    try:
        with connection.cursor() as cursor:
            for declared in REGISTER:
                for table in declared.search_tables:
                    name = connection.ops.quote_name(table)
                    cursor.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")  # noqa: S608
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


def _log_emptied() -> bool:
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
        try:
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    if busy:
        time.sleep(WAIT_MILLISECONDS / 1000)
    return not busy
