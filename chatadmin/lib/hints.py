"""Which index SQLite is to take. It keeps no statistics of ours, and without them guesses wrong by a thousand times;
PostgreSQL does, and needs no telling."""

from __future__ import annotations

from typing import Any

from django.db import connection
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
