"""One person's data as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exports.as_text import packed
from exports.reading import Reader, Row

SCHEMA = "chatadmin.user/1"


def document(reader: Reader) -> Iterator[bytes]:
    """The document in small pieces, a row a line: `schema`, `exported_at`, `left_out` (names of lists that aren't in
    it), `profile`, then a list for each kind."""
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
    yield from _lines(rows)
    yield b"\n]\n"


def _list(name: str, rows: Iterable[Row]) -> Iterator[bytes]:
    yield b",\n" + packed(name) + b":["
    yield from _lines(rows)
    yield b"]"


def _lines(rows: Iterable[Row]) -> Iterator[bytes]:
    comma = b"\n"
    for row in rows:
        yield comma + packed(row)
        comma = b",\n"


def _conversations(reader: Reader) -> Iterator[bytes]:
    yield b',\n"conversations":['
    comma = b"\n"
    for conversation, messages in reader.conversations():
        yield comma + packed(conversation)[:-1]
        yield from _list("messages", messages)
        yield b"}"
        comma = b",\n"
    yield b"]"
