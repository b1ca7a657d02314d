"""One person's data as one JSON document."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from exports.as_text import packed, packed_lines
from exports.reading import Reader
from exports.walking import Chunk, Row, Rows

SCHEMA = "chatadmin.user/1"
# What is made at once of rows that may be long.
PIECE_ROWS = 1_000


def document(reader: Reader) -> Iterator[bytes]:
    """The document in pieces, a row a line: `schema`, `exported_at`, `left_out` (names of lists that aren't in it),
    `profile`, then a list for each kind."""
    yield b'{"schema":%s,\n"exported_at":%s,\n' % (packed(SCHEMA), packed(reader.exported_at))
    yield b'"left_out":%s,\n' % packed(reader.left_out)
    yield b'"profile":' + packed(reader.profile())
    yield from _list("visits", reader.rows("visits"))
    yield from _conversations(reader)
    for name in ("activity", "tags", "notes", "merges", "requests"):
        if reader.holds(name):
            yield from _list(name, reader.rows(name))
    if reader.holds("accesses"):
        yield from _list("accesses", reader.accesses())
    yield b"}\n"


def array(rows: Iterable[Row]) -> Iterator[bytes]:
    """One JSON array in small pieces, a row a line."""
    yield b"["
    comma = b"\n"
    for row in rows:
        yield comma + packed(row)
        comma = b",\n"
    yield b"\n]\n"


def _list(name: str, rows: Rows) -> Iterator[bytes]:
    yield b",\n" + packed(name) + b":["
    comma = b"\n"
    for chunk in rows.chunks:
        for first in range(0, len(chunk), PIECE_ROWS):
            yield comma + lines(rows.headers, chunk[first : first + PIECE_ROWS])
            comma = b",\n"
    yield b"]"


def _conversations(reader: Reader) -> Iterator[bytes]:
    yield b',\n"conversations":['
    comma = b"\n"
    for conversation, messages in reader.conversations():
        yield comma + packed(conversation)[:-1]
        yield from _list("messages", messages)
        yield b"}"
        comma = b",\n"
    yield b"]"


def lines(headers: tuple[str, ...], rows: Chunk) -> bytes:
    """Rows as JSON objects, each but the last with a comma and a line's end after it."""
    made = packed_lines(itertools.starmap(_shape(headers), rows))
    if made is None:
        return b",\n".join(packed(dict(zip(headers, row, strict=True))) for row in rows)
    # Inside of a JSON text an end of line is escaped, so that each of these ends a row.
    return made[:-1].replace(b"\n", b",\n")


@functools.cache
def _shape(headers: tuple[str, ...]) -> type[Any]:
    """What the encoder writes more than twice as fast as a dict."""
    names = {f"value{place}": header for place, header in enumerate(headers)}
    return msgspec.defstruct("Shape", list(names), rename=names, gc=False)
