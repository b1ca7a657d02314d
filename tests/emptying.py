"""Empties the database after a test that commits: the tables that hold something, not all that there are."""

from __future__ import annotations

import functools
import time

from django.db import DatabaseError, connection, transaction

# Django fills them as it migrates, and nothing changes them.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}
# So many dead rows would be walked over by every query of the tests that follow, and counted by its plan.
DEAD_ROWS = 300


@functools.cache
def _tables() -> list[str]:
    return sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)


def _filled() -> list[str]:
    each = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in _tables()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return [name for (name,) in cursor.fetchall()]


def _delete(tables: list[str]) -> list[str]:
    """Foreign keys are looked at as the transaction ends. Returns the tables that many rows went from."""
    large = []
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')
            if cursor.rowcount > DEAD_ROWS:
                large.append(table)
    return large


def empty_database() -> None:
    """Deletes every row. The server under test may still be writing down who left: what refers to a row that went
    meanwhile, or a deadlock, is tried again. Raises DatabaseError after some attempts."""
    for attempt in range(10):
        try:
            large = _delete(_filled())
            break
        except DatabaseError:
            if attempt == 9:
                raise
            time.sleep(0.1)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in large:
                cursor.execute(f'VACUUM ANALYZE "{table}"')
