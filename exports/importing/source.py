"""A file as its rows: the same for a JSON document and for a ZIP of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row: its kind as the register names it (`schema` for the document's own, "" for none), where it stands
    (`file:line`), and its value; or the `error` that makes it none."""

    kind: str
    place: str
    value: Any = None
    error: str = ""


@dataclass(frozen=True)
class Document:
    """One person's export. `rows` reads it from its beginning each time that it is called; one that `has_schema`
    says so itself, and is none of ours where it says another or nothing."""

    name: str
    rows: Callable[[], Iterator[Row]]
    has_schema: bool


class Unreadable(Exception):
    """The file is none of ours, or can't be read at all; says why."""
