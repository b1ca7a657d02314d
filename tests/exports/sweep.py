"""Looks for a text everywhere in the database."""

from __future__ import annotations

from pathlib import Path

from django.db import connection


def places_of(text: str) -> set[str]:
    """The tables that hold `text` in any column of any row, index tables and binary columns too."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if connection.vendor == "postgresql":
                cursor.execute(f'SELECT whole::text FROM "{table}" AS whole')
            else:
                cursor.execute(f'SELECT * FROM "{table}"')
            if any(_holds(value, text) for row in cursor.fetchall() for value in row):
                found.add(table)
    return found


def _holds(value: object, text: str) -> bool:
    if isinstance(value, bytes | memoryview):
        return text.encode() in bytes(value)
    return text in str(value)


def indexed_terms(table: str) -> set[str]:
    """The terms that an FTS5 index still has, deleted rows' among them."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, '{table}', 'row')")
        try:
            return {row[0] for row in cursor.execute("SELECT term FROM temp.terms")}
        finally:
            cursor.execute("DROP TABLE temp.terms")


def files_with(text: str) -> set[str]:
    """Which of the files of the SQLite database have the bytes of `text`: by their ending."""
    name = str(connection.settings_dict["NAME"])
    files = [Path(name + ending) for ending in ("", "-wal", "-journal")]
    return {
        file.name.removeprefix(Path(name).name) or "main"
        for file in files
        if file.exists() and text.encode() in file.read_bytes()
    }
