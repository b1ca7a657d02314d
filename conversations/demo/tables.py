"""Writes very many rows at once: `executemany` on SQLite, `COPY` on PostgreSQL, in chunks of one transaction each.

Ids are taken while nobody else can write, so that a row can name another one before either is stored. On SQLite the
triggers rest meanwhile and the word indexes take a chunk at a time, which is three times as fast as row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper


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
                cursor.execute(
                    "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [self.name]
                )
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
        return lambda value: str(value)[:-6]  # without +00:00, as Django keeps it there
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
        with _triggers_resting(tables):
            for table in tables:
                table.flush()
        for table in tables:
            table.end()


@contextmanager
def _triggers_resting(tables: Sequence[Table]) -> Iterator[None]:
    """Inside the transaction: another connection sees them all there, before and after."""
    if connection.vendor != "sqlite":
        yield
        return
    resting: list[str] = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table.name]
            )
            for name, statement in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
                resting.append(statement)
        yield
        for table in tables:
            _index_words(cursor, table)
        for statement in resting:
            cursor.execute(statement)


def _index_words(cursor: CursorWrapper, table: Table) -> None:
    """Does for the chunk what the resting triggers of an FTS5 table `<table>_fts` do for each row."""
    cursor.execute("SELECT name FROM pragma_table_info(%s)", [f"{table.name}_fts"])
    columns = ", ".join(name for (name,) in cursor.fetchall())
    if columns:
        cursor.execute(
            f"INSERT INTO {table.name}_fts(rowid, {columns})"  # noqa: S608
            f" SELECT id, {columns} FROM {table.name} WHERE id >= %s",
            [table.first_id],
        )


@contextmanager
def tuned() -> Iterator[None]:
    """Room for the indexes' pages while a load runs."""
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
