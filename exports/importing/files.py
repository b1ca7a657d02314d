"""What a file holds: one document, or a ZIP of documents or tables, of one person or many."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TextIO

from exports.importing import as_json, as_tables
from exports.importing.rows import KINDS
from exports.importing.source import Document, Unreadable


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
        yield Document(path.name, partial(as_json.rows, partial(_text, path), path.name), has_schema=True)


def _text(path: Path) -> TextIO:
    # A wrong byte becomes half a surrogate pair, which is refused with its row.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _zipped(path: Path) -> Iterator[Document]:
    try:
        with zipfile.ZipFile(path) as zipped:
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
            yield Document(name, partial(as_json.rows, partial(_member, path, member), name), has_schema=True)
    for group in tables.values():
        found = True
        names = {kind: f"{path.name}/{member}" for kind, member in group.items()}
        opened = {kind: partial(_member, path, member) for kind, member in group.items()}
        yield Document(path.name, partial(as_tables.rows, opened, names), has_schema=False)
    if not found:
        raise Unreadable("a ZIP that holds none of our documents or tables")


def _member(path: Path, member: str) -> TextIO:
    zipped = zipfile.ZipFile(path)
    stream = zipped.open(member)
    # The archive closes its file once no member of it is open any more.
    zipped.close()
    return io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
