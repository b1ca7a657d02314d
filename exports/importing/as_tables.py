"""One person's CSV tables as rows: each cell back to the value that it was made of."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from exports.cells import JSON, restore
from exports.importing.rows import KINDS
from exports.importing.source import Row

CELL_CHARS = 16 * 1024 * 1024
FLAGS = {"is_vip"}
# An empty cell of these is nothing; of any other an empty text.
NULLABLE = {
    *("external_id", "verified_at", "identified_at", "last_active", "vip_reason", "blocked_at", "held_at"),
    *("ended_at", "closed_at", "read_at", "undone_at", "visit"),
    *JSON,
}

Open = Callable[[], TextIO]


def rows(tables: Mapping[str, Open], names: Mapping[str, str]) -> Iterator[Row]:
    """The rows of the tables, by kind, each read in one go; `names` are the files' as messages name them."""
    csv.field_size_limit(CELL_CHARS)
    for kind in KINDS:
        if kind in tables:
            with tables[kind]() as stream:
                yield from _table(kind, stream, names[kind])


def _table(kind: str, stream: TextIO, name: str) -> Iterator[Row]:
    reader = csv.reader(stream, strict=True)
    headers: list[str] | None = None
    while True:
        place = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(kind, place, error=f"not CSV: {error}")
            continue
        if headers is None:
            headers = cells
        elif len(cells) != len(headers):
            yield Row(kind, place, error=f"{len(cells)} cells where there should be {len(headers)}")
        else:
            yield _row(kind, place, headers, cells)


def _row(kind: str, place: str, headers: list[str], cells: list[str]) -> Row:
    try:
        value = {header: _value(header, cell) for header, cell in zip(headers, cells, strict=True)}
    except (ValueError, RecursionError):
        return Row(kind, place, error="a cell that should be JSON and isn't")
    return Row(kind, place, value)


def _value(header: str, cell: str) -> Any:
    if cell == "" and header in NULLABLE:
        return None
    if header in FLAGS:
        return {"true": True, "false": False}.get(cell, cell)
    text = restore(cell)
    return json.loads(text, parse_constant=_no_number) if header in JSON else text


def _no_number(name: str) -> Any:
    raise ValueError(name)
