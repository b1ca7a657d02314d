"""Empties the database after a test that commits: the tables that hold something, not all that there are.

PostgreSQL takes some 0.4 s to truncate all of them, and deleting a few rows a hundredth of that.
"""

from __future__ import annotations

import functools
import itertools
import time

from django.db import DatabaseError, connection, transaction

# Django fills them as it migrates, and nothing changes them.
KEPT = {"django_content_type", "auth_permission"}
# Dead rows are walked over by every query of the tests that follow: they go now and then, and where there are so many.
EACH, DEAD_ROWS = 50, 500
_turns = itertools.count(1)


@functools.cache
def _tables() -> list[str]:
    return sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)


def leave_alone() -> None:
    """Has PostgreSQL gather no statistics by itself: whether it did would decide how it looks for the few rows of a
    test."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in _tables():
                cursor.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')


def forget_statistics() -> None:
    """Has PostgreSQL know nothing of the tables, which are empty: what a test had it count stays when the test's
    transaction is undone."""
    if connection.vendor == "postgresql":
        _truncate()


def _delete() -> int:
    """Foreign keys are looked at as the transaction ends. Returns how many rows there were of what there was most."""
    each = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in _tables()]
    most = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')
            most = max(most, cursor.rowcount)
    return most


def _truncate() -> None:
    names = ", ".join(f'"{table}"' for table in _tables())
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names}")


def _empty() -> None:
    if (_delete() > DEAD_ROWS or next(_turns) % EACH == 0) and connection.vendor == "postgresql":
        _truncate()


def empty_database() -> None:
    """Deletes every row. The server under test may still be writing down who left: what refers to a row that went
    meanwhile, or a deadlock, is tried again. Raises DatabaseError after some attempts."""
    for attempt in range(10):
        try:
            _empty()
            return
        except DatabaseError:
            if attempt == 9:
                raise
            time.sleep(0.1)
