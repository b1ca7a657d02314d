"""What a file holds: one document, or a ZIP of documents or tables, of one person or many."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TextIO

from exports.importing import as_json, as_tables
from exports.importing.rows import KINDS
from exports.importing.source import Document, Row, Unreadable

# Damaged, encrypted, or pressed in a way that isn't known.
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError)


def documents(path: Path) -> Iterator[Document]:
    """Each person's export in the file, in its order. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise Unreadable(error.strerror or "can't be read") from None
    if is_zip:
        yield from _zipped(path)
    else:
        yield _document(path.name, partial(as_json.rows, partial(_text, path), path.name), has_schema=True)


def _text(path: Path) -> TextIO:
    # A wrong byte becomes half a surrogate pair, which is refused with its row.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _zipped(path: Path) -> Iterator[Document]:
    try:
        # Stays open for all of its members: looking through its directory anew for each would take hours.
        zipped = zipfile.ZipFile(path)
        members = [entry.filename for entry in zipped.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise Unreadable("a broken ZIP") from None
    tables: defaultdict[str, dict[str, str]] = defaultdict(dict)
    found = False
    for member in members:
        file = PurePosixPath(member)
        if file.suffix == ".csv" and file.stem in KINDS:
            tables[str(file.parent)][file.stem] = member
        elif file.suffix == ".json" and file.name != "manifest.json":
            found = True
            name = f"{path.name}/{member}"
            opened = partial(_member, zipped, member)
            yield _document(name, partial(as_json.rows, opened, name), has_schema=True)
    for group in tables.values():
        found = True
        names = {kind: f"{path.name}/{member}" for kind, member in group.items()}
        each = {kind: partial(_member, zipped, member) for kind, member in group.items()}
        yield _document(path.name, partial(as_tables.rows, each, names), has_schema=False)
    if not found:
        raise Unreadable("a ZIP that holds none of our documents or tables")


def _member(zipped: zipfile.ZipFile, member: str) -> TextIO:
    return io.TextIOWrapper(zipped.open(member), "utf-8-sig", "surrogateescape", newline="")


def _document(name: str, rows: Callable[[], Iterator[Row]], *, has_schema: bool) -> Document:
    def readable() -> Iterator[Row]:
        try:
            yield from rows()
        except BROKEN:
            yield Row("", f"{name}:1", error="the rest of it can't be read")

    return Document(name, readable, has_schema)
