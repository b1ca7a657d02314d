"""How a value becomes a cell of a CSV file, and how a text is kept from being run as a formula.

A spreadsheet runs a cell that begins with one of a few signs. One `'` in front prevents it, and reading the file
back takes exactly one `'` away, so that every text survives the round trip.
Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

from exports.as_text import moment, packed

QUOTE = "'"
# The columns that hold JSON.
JSON = frozenset({"traits", "data", "profile"})
# The last row: their full-width forms, which some spreadsheets fold before they look.
RISKY = frozenset("=+-@'\t\r" + "＝＋－＠＇")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def neutralise(cell: str) -> str:
    """`cell` with one `'` in front if it begins like a formula and isn't a plain number.

    >>> neutralise("=1+1"), neutralise("-12.5"), neutralise("'tis")
    ("'=1+1", '-12.5', "''tis")
    """
    if cell[:1] in RISKY and not _NUMBER.fullmatch(cell):
        return QUOTE + cell
    return cell


def restore(cell: str) -> str:
    """The text that `neutralise` was given."""
    return cell[1:] if cell.startswith(QUOTE) else cell


def json_cell(value: Any) -> str:
    """The value of a JSON column as a neutralised cell: JSON whatever it is, so that a text in it is read back as one."""
    return "" if value is None else neutralise(packed(value).decode())


def cell(value: Any) -> str:
    """A column's value as a neutralised cell: nothing is empty, times in UTC, lists and objects as JSON."""
    if isinstance(value, str):  # most of them
        return neutralise(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return moment(value)
    if isinstance(value, dict | list):
        return neutralise(packed(value).decode())
    return neutralise(str(value))


def cells(column: Sequence[Any]) -> Iterable[Any]:
    """`cell` of each value of a column, for `csv.writer`, which by itself writes nothing for None and digits for a
    whole number."""
    kinds = set(map(type, column))
    if kinds <= {int, type(None)}:
        return column
    if kinds <= {str, type(None)}:
        return [neutralise(text) if text and text[0] in RISKY else text for text in column]
    return map(cell, column)
