"""Reads and writes many rows of a table by one statement, where a query set would take one each or many conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model


def save_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """`save(update_fields=names)` of each of these rows of one table, in one go; no signals."""
    if not rows:
        return
    table, key, fields = _columns(type(rows[0]), names)
    stored = [*fields, rows[0]._meta.pk]
    values = [_prepared(stored, [getattr(row, field.attname) for field in stored]) for row in rows]
    columns = [_quoted(field) for field in fields]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            setting = ", ".join(f"{column} = %s" for column in columns)
            cursor.executemany(f"UPDATE {table} SET {setting} WHERE {key} = %s", values)
            return
        # What stands in VALUES has no type of its own where all of it is null.
        setting = ", ".join(
            f"{column} = v.column{place}::{field.db_type(connection)}"
            for place, (column, field) in enumerate(zip(columns, fields, strict=True), 1)
        )
        cursor.execute(
            f"UPDATE {table} SET {setting} FROM {_given(values)} WHERE {table}.{key} = v.column{len(fields) + 1}",
            [value for line in values for value in line],
        )


def ids_of(model: type[Model], names: Sequence[str], wanted: Sequence[Sequence[Any]]) -> list[int]:
    """The keys of the rows whose columns hold one of the `wanted` combinations; each is looked up in an index."""
    if not wanted:
        return []
    table, key, fields = _columns(model, names)
    values = [_prepared(fields, combination) for combination in wanted]
    holds = " AND ".join(f"m.{_quoted(field)} = v.column{place}" for place, field in enumerate(fields, 1))
    with connection.cursor() as cursor:
        # For SQLite CROSS says which comes first.
        cursor.execute(
            f"SELECT m.{key} FROM {_given(values)} CROSS JOIN {table} AS m WHERE {holds}",
            [value for line in values for value in line],
        )
        return [found for (found,) in cursor.fetchall()]


def _columns(model: type[Model], names: Sequence[str]) -> tuple[str, str, list[Field[Any, Any]]]:
    meta = model._meta
    assert meta.pk is not None
    fields = [cast("Field[Any, Any]", meta.get_field(name)) for name in names]
    return connection.ops.quote_name(meta.db_table), _quoted(meta.pk), fields


def _quoted(field: Field[Any, Any]) -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)


def _prepared(fields: Sequence[Field[Any, Any]], values: Sequence[Any]) -> list[Any]:
    # Not `connection`, which looks itself up for each attribute that it is asked for.
    ours = connections[DEFAULT_DB_ALIAS]
    return [field.get_db_prep_save(value, ours) for field, value in zip(fields, values, strict=True)]


def _given(values: Sequence[Sequence[Any]]) -> str:
    """A table `v` of these lines, whose columns both databases name column1, column2, …"""
    line = f"({', '.join(['%s'] * len(values[0]))})"
    return f"(VALUES {', '.join([line] * len(values))}) AS v"
