"""Writes very many rows at once: `executemany` on SQLite, `COPY` on PostgreSQL, in chunks of one transaction each.

Ids are taken while nobody else can write, so that a row can name another one before either is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction


class Table:
    """Rows of `model` waiting to be written: values in the order of `columns`, after the id; times in UTC. Other
    columns get their default."""

    def __init__(self, model: type[models.Model], *columns: str) -> None:
        self.model = model
        self.name = model._meta.db_table
        fields = {item.attname: item for item in model._meta.concrete_fields}
        others = [name for name in fields if name not in ("id", *columns)]
        self.constants = tuple(fields[name].get_default() for name in others)
        self.columns = ["id", *columns, *others]
        self.changes = [
            (at, change)
            for at, name in enumerate(self.columns)
            if (change := _change(fields[name])) is not None
        ]
        self.first_id = self.next_id = 0
        self.rows: list[tuple[Any, ...]] = []

    def add(self, *values: Any) -> int:
        """Adds a row and returns its id."""
        taken = self.next_id
        self.next_id += 1
        self.rows.append((taken, *values, *self.constants))
        return taken

    def begin(self) -> None:
        """Looks up the next free id. The table is locked."""
        with connection.cursor() as cursor:
            quoted = connection.ops.quote_name(self.name)
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {quoted}")  # noqa: S608
            highest = cursor.fetchone()[0]
            if connection.vendor == "postgresql":
                cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [self.name])
                taken = cursor.fetchone()[0] - 1
            else:
                cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [self.name])
                taken = cursor.fetchone()[0]
        self.first_id = self.next_id = max(highest, taken, 0) + 1

    def flush(self) -> None:
        """Writes what waits."""
        if not self.rows:
            return
        rows, self.rows = [self._changed(row) for row in self.rows], []
        columns = ", ".join(connection.ops.quote_name(name) for name in self.columns)
        target = f"{connection.ops.quote_name(self.name)} ({columns})"
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(self.columns))
                cursor.executemany(f"INSERT INTO {target} VALUES ({marks})", rows)  # noqa: S608

    def end(self) -> None:
        """Moves the table's own counter past the ids that were taken."""
        if connection.vendor == "postgresql" and self.next_id > self.first_id:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [self.name, self.next_id - 1]
                )

    def _changed(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for at, change in self.changes:
            if values[at] is not None:
                values[at] = change(values[at])
        return values


def _change(field: models.Field) -> Callable[[Any], Any] | None:
    """From a Python value to what the database driver takes; None where that is the same."""
    if isinstance(field, models.JSONField):
        return lambda value: connection.ops.adapt_json_value(value, None)
    if connection.vendor == "postgresql":
        return None
    if isinstance(field, models.DateTimeField):
        return lambda value: str(value.replace(tzinfo=None))
    if isinstance(field, models.UUIDField):
        return lambda value: value.hex
    return None


@contextmanager
def chunk(tables: Sequence[Table]) -> Iterator[None]:
    """One transaction that nobody writes beside; at its end the rows of `tables` are written, in that order."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            names = ", ".join(connection.ops.quote_name(table.name) for table in tables)
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        for table in tables:
            table.begin()
        yield
        for table in tables:
            table.flush()
            table.end()


@contextmanager
def tuned() -> Iterator[None]:
    """Room for the indexes' pages while a load runs; here indexes could be dropped and made again."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA cache_size = -262144")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {int(before)}")
