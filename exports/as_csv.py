"""One person's data as a ZIP of CSV files, one for each kind, and a manifest with their counts and hashes.

The files are RFC 4180 in UTF-8, with a byte order mark: without one the most common spreadsheet reads every letter
beyond ASCII wrong. Whoever reads them by program says `utf-8-sig`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from exports.as_json import SCHEMA
from exports.as_text import moment
from exports.cells import JSON, cells, json_cell
from exports.reading import Reader
from exports.walking import Chunk, Row, Rows

FILES = (
    "profile",
    "visits",
    "conversations",
    "messages",
    "activity",
    "tags",
    "notes",
    "merges",
    "requests",
    "accesses",
)
DRAIN_ROWS = 500


@dataclass
class _Made:
    """A file that is in the archive: its data rows and the hash of its bytes."""

    count: int
    sha256: str


class _Sink(io.RawIOBase):
    """Takes what the archive writes until it is drained. Can't seek, so that the archive never looks back."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held.append(bytes(data))
        return len(self.held[-1])

    def drain(self) -> bytes:
        drained, self.held = b"".join(self.held), []
        return drained


def archive(reader: Reader) -> Iterator[bytes]:
    """The ZIP in pieces."""
    sink = _Sink()
    made: dict[str, _Made] = {}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in filter(reader.holds, FILES):
            yield from _file(zipped, sink, reader, name, made)
        manifest = {
            "schema": SCHEMA,
            "exported_at": moment(reader.exported_at),
            "left_out": reader.left_out,
            "files": {name: {"count": entry.count, "sha256": entry.sha256} for name, entry in made.items()},
        }
        zipped.writestr(_entry(reader, "manifest.json"), json.dumps(manifest, indent=1) + "\n")
    yield sink.drain()


def _file(
    zipped: zipfile.ZipFile, sink: _Sink, reader: Reader, name: str, made: dict[str, _Made]
) -> Iterator[bytes]:
    digest, count = hashlib.sha256(), 0
    rows = _rows(reader, name)
    # An archive that can't seek has to say beforehand whether a file may pass 2 GiB.
    with zipped.open(_entry(reader, f"{name}.csv"), "w", force_zip64=name == "messages") as out:
        for block in _blocks(rows.headers, rows.chunks):
            count += block.rows
            digest.update(block.text)
            out.write(block.text)
            yield sink.drain()
    made[f"{name}.csv"] = _Made(count, digest.hexdigest())
    yield sink.drain()


@dataclass
class Block:
    """A piece of a table, and how many data rows are in it."""

    text: bytes
    rows: int


def table(headers: list[str], rows: Iterable[Row]) -> Iterator[Block]:
    """A CSV file in pieces: at once its first line, then its rows as cells that no spreadsheet runs."""
    return _blocks(headers, _chunks(headers, rows))


def _blocks(headers: Sequence[str], chunks: Iterable[Chunk]) -> Iterator[Block]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(headers)
    yield Block(codecs.BOM_UTF8 + _taken(buffer), 0)
    for chunk in chunks:
        for first in range(0, len(chunk), DRAIN_ROWS):
            piece = chunk[first : first + DRAIN_ROWS]
            writer.writerows(zip(*_columns(headers, piece), strict=True))
            yield Block(_taken(buffer), len(piece))


def _columns(headers: Sequence[str], rows: Chunk) -> Iterator[Iterable[Any]]:
    for header, column in zip(headers, zip(*rows, strict=True), strict=True):
        yield map(json_cell, column) if header in JSON else cells(column)


def _chunks(headers: Sequence[str], rows: Iterable[Row]) -> Iterator[Chunk]:
    values = (tuple(row[header] for header in headers) for row in rows)
    while chunk := list(islice(values, DRAIN_ROWS)):
        yield chunk


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _rows(reader: Reader, name: str) -> Rows:
    if name == "profile":
        profile = reader.profile()
        return Rows(tuple(profile), iter([[tuple(profile.values())]]))
    return reader.accesses() if name == "accesses" else reader.rows(name)


def _entry(reader: Reader, name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, reader.exported_at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
