"""Secondary indexes out of the way of a load: dropped before it, made again after it, as the migrations left them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection
from django.db.backends.utils import CursorWrapper

from bench.progress import say

ROOMS = ("users", "conversations")
MAINTENANCE_MB = 1_024


def tables() -> list[str]:
    """The tables that people and messages fill."""
    return [model._meta.db_table for room in ROOMS for model in apps.get_app_config(room).get_models()]


@contextmanager
def resting() -> Iterator[None]:
    """Inside, only keys and unique constraints are kept; the rest is made at the end. Not for data that matter: what
    breaks off inside leaves the indexes out."""
    with connection.cursor() as cursor:
        taken = _drop_postgresql(cursor) if connection.vendor == "postgresql" else _drop_sqlite(cursor)
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET maintenance_work_mem = '{MAINTENANCE_MB}MB'")
        for name, statements in taken:
            began = time.monotonic()
            for statement in statements:
                cursor.execute(statement)
            if time.monotonic() - began > 1:
                say(f"  {name} ({time.monotonic() - began:.0f} s)")


def _drop_postgresql(cursor: CursorWrapper) -> list[tuple[str, list[str]]]:
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname",
        [tables()],
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    return [(name, [statement]) for name, statement in found]


def _drop_sqlite(cursor: CursorWrapper) -> list[tuple[str, list[str]]]:
    """Word indexes first, triggers last: nothing is written in between that they would have to see."""
    taken: dict[str, list[tuple[str, list[str]]]] = {"table": [], "index": [], "trigger": []}
    cursor.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND (type IN ('index', 'trigger') OR sql LIKE 'CREATE VIRTUAL TABLE%%')"
    )
    ours = set(tables())
    for kind, name, table, statement in cursor.fetchall():
        filled = f"INSERT INTO {name}({name}) VALUES ('rebuild')"  # noqa: S608
        if kind == "table" and table.removesuffix("_fts") in ours:
            taken[kind].append((name, [statement, filled]))
        elif kind != "table" and table in ours:
            taken[kind].append((name, [statement]))
    for kind in ("trigger", "index", "table"):
        for name, _ in taken[kind]:
            cursor.execute(f"DROP {kind} {connection.ops.quote_name(name)}")
    return [item for kind in ("table", "index", "trigger") for item in taken[kind]]
