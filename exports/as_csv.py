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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from exports.as_json import SCHEMA
from exports.as_text import moment
from exports.cells import JSON, cell, json_cell
from exports.reading import Reader, Row
from exports.register import BY_NAME
from exports.resources import AccessResource

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
DRAIN_ROWS = 200


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
    # An archive that can't seek has to say beforehand whether a file may pass 2 GiB.
    with zipped.open(_entry(reader, f"{name}.csv"), "w", force_zip64=name == "messages") as out:
        for block in table(_headers(name), _rows(reader, name)):
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
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(headers)
    yield Block(codecs.BOM_UTF8 + _taken(buffer), 0)
    forms = [(header, json_cell if header in JSON else cell) for header in headers]
    count = 0
    for row in rows:
        writer.writerow([form(row[header]) for header, form in forms])
        count += 1
        if count == DRAIN_ROWS:
            yield Block(_taken(buffer), count)
            count = 0
    if count:
        yield Block(_taken(buffer), count)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _headers(name: str) -> list[str]:
    resource = AccessResource if name == "accesses" else BY_NAME[name].resource
    assert resource is not None
    return resource().get_export_headers()


def _rows(reader: Reader, name: str) -> Iterable[Row]:
    if name == "profile":
        return [reader.profile()]
    return reader.accesses() if name == "accesses" else reader.rows(name)


def _entry(reader: Reader, name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, reader.exported_at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
