"""Transactions that stay short on PostgreSQL also beside many rows that were just deleted.

What was deleted stays in the indexes until VACUUM, and the first who comes by looks at each row before it's known to be
gone: also PostgreSQL itself, when it makes sure that nothing points at a row that goes. A million of them take a second.
A statement that takes too long is cut off and done again; what was looked at so far needs no second look. And its
statistics still tell of the rows, so that it would rather read the whole table: only an ordinary index scan takes notes.
Source: postgresql.org/docs/current/storage-hot.html and src/backend/access/nbtree/README, "On-the-Fly Deletion Of Index
Tuples".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import OperationalError, connection, transaction

MILLISECONDS = 150
# Where somebody's long transaction may still see the rows, no look is ever enough: the last one takes as long as it takes.
TRIES = 20

Done = TypeVar("Done")


def in_short_transaction(work: Callable[[], Done], cut: Callable[[], None] = lambda: None) -> Done:
    """Does `work` in a transaction of its own, the outermost; `cut` is called each time it was cut off, before it's done
    again. Returns what `work` does."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic(durable=True):
                _by_index(MILLISECONDS if attempt < TRIES - 1 else 0)
                return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise
            cut()
    raise AssertionError("the last one is never cut off")


def _by_index(milliseconds: int) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
            " set_config('statement_timeout', %s, true)",
            [f"{milliseconds}ms"],
        )
