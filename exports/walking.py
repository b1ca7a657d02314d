"""Walks the rows of one resource in keyset chunks: columns straight from the database, no instance is made.

Each chunk is a query of its own: memory stays flat and no reader stays open, however slow what takes them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from chatadmin.lib.hints import along_index, by_index, unmapped
from exports.edges import beyond
from exports.moments import MomentText, as_exported
from exports.register import Declared
from exports.resources import PersonalResource

Row = dict[str, Any]
Chunk = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Rows:
    """The rows of one table in chunks, a row's values in the order of its headers; times are text."""

    headers: tuple[str, ...]
    chunks: Iterator[Chunk]

    def __iter__(self) -> Iterator[Row]:
        """Each row by its headers."""
        for chunk in self.chunks:
            for row in chunk:
                yield dict(zip(self.headers, row, strict=True))


def stored_columns(
    resource: PersonalResource, columns: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[str]]:
    """The headers of a resource's `columns` (None: all), and the database's names of their values."""
    names = columns if columns is not None else resource.get_export_order()
    fields = [resource.fields[name] for name in names]
    return tuple(str(field.column_name) for field in fields), [str(field.attribute) for field in fields]


def index_of(declared: Declared) -> str | None:
    """The index that has a person's rows in the declared order, or None where only a sort gives that."""
    wanted = [declared.path, *("id" if name == "pk" else name for name in declared.order)]
    for index in declared.model._meta.indexes:
        if index.condition is None and [name.lstrip("-") for name in index.fields] == wanted:
            return index.name
    return None


def walk(
    rows: QuerySet[Any], names: Sequence[str], order: Sequence[str], size: int, index: str | None = None
) -> Iterator[Chunk]:
    """The columns `names` of `rows` along `order`, which is unique and ends in `pk`; `size` a query, and each of them
    along `index` where one is named."""
    first = "id" if order[0] == "pk" else order[0]
    asked = list(dict.fromkeys([*names, first, "id"]))
    at, key, many, last = asked.index(first), asked.index("id"), len(names), None
    columns = [as_exported(rows, name) for name in asked]
    hinted = by_index(rows, index) if index else rows
    ordered = hinted.order_by(*order).values_list(*columns)
    is_time = isinstance(columns[at], MomentText)
    while True:
        part = ordered
        if last is not None:
            value = dt.datetime.fromisoformat(last[at]) if is_time else last[at]
            part = ordered.filter(beyond(order[0], value, last[key]))
        chunk = _read(part[:size], is_along=index is not None)
        last = chunk[-1] if chunk else None
        yield chunk if len(asked) == many else [row[:many] for row in chunk]
        if len(chunk) < size:
            return


def _read(part: QuerySet[Any, Any], *, is_along: bool) -> Chunk:
    unmapped()
    if not is_along:
        return list(part)
    with along_index():
        return list(part)
