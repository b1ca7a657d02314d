"""Which index the database is to take. SQLite keeps no statistics of ours, and without them guesses wrong by a thousand
times; PostgreSQL does, but knows of one person only what is true of most."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.sql.datastructures import BaseTable

BY_ID = ""


class _Hinted(BaseTable):
    """A table in FROM with the words that follow it. SQLite refuses the statement where that index can't serve it."""

    hint = ""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        sql, params = super().as_sql(compiler, connection)
        return f"{sql} {self.hint}", params


def by_index(queryset: QuerySet[Any], index: str) -> QuerySet[Any]:
    """`queryset`, its rows found by the index of that name (BY_ID: by their ids), whatever else SQLite thinks of."""
    if connection.vendor != "sqlite":
        return queryset
    hinted = queryset.all()
    alias = hinted.query.get_initial_alias()
    table = _Hinted(queryset.model._meta.db_table, alias)
    table.hint = f"INDEXED BY {connection.ops.quote_name(index)}" if index else "NOT INDEXED"
    hinted.query.alias_map[alias] = table
    return hinted


@contextlib.contextmanager
def along_index() -> Iterator[None]:
    """Within, PostgreSQL reads along an index that has the order which is asked for, and sorts only where none has.

    It takes anybody's rows to be few, gathers them all and sorts them for the sake of the first thousand: where they are
    a million that is done a thousand times. On SQLite there is nothing to do: `by_index` says it.
    """
    if connection.vendor != "postgresql":
        yield
        return
    outer = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        yield
        if outer:
            cursor.execute("SET LOCAL enable_sort TO DEFAULT")


def unmapped() -> None:
    """From now on SQLite's connection of this thread reads its pages instead of looking at them in the file: what it has
    looked at counts as this process's memory, up to 128 MB where it walks through very many rows."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size=0")
