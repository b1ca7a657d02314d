"""The ledger of erasures: a file that only grows, outside the database, which restoring a backup would turn back.

A line names a person by the keyed hash of staff/audit.py, nothing else of them. It is on the disk before the
tombstone is committed, so there is no erasure that the ledger doesn't know; one that failed after its line is
withdrawn by another.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
from django.conf import settings
from django.utils import timezone


class Unwritable(Exception):
    """The ledger can't be written, so nobody may be erased. Its text says where and why."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. `key` tells lines apart that were made with another SECRET_KEY, whose hashes match nobody."""

    at: str
    erasure: str
    person: str
    key: str
    what: Literal["erased", "withdrawn"] = "erased"


@dataclass
class Told:
    """What a ledger says: erasures by the person's hash; how many lines are of another key; the numbers of lines that
    are none."""

    erased: dict[str, str] = field(default_factory=dict)
    foreign: int = 0
    broken: list[int] = field(default_factory=list)


def append(hashes: Mapping[uuid.UUID, Sequence[str]]) -> None:
    """Adds, for each erasure, a line for each of its person's hashes; they are on the disk when this returns.

    Raises Unwritable.
    """
    _write(hashes, "erased")


def withdraw(hashes: Mapping[uuid.UUID, Sequence[str]]) -> None:
    """These erasures didn't begin after all. Raises Unwritable."""
    _write(hashes, "withdrawn")


def read(path: Path) -> Told:
    """Everything that the ledger says. Raises OSError where it can't be read."""
    told, mine = Told(), _key_mark()
    with open(path, "rb") as lines:
        for number, raw in enumerate(_lines(lines), 1):
            try:
                line = msgspec.json.decode(raw, type=Line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                told.broken.append(number)
                continue
            if line.key != mine:
                told.foreign += 1
            elif line.what == "erased":
                told.erased[line.person] = line.erasure
            elif told.erased.get(line.person) == line.erasure:
                del told.erased[line.person]
    return told


def _lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line.strip() for line in lines if line.strip())


def _write(hashes: Mapping[uuid.UUID, Sequence[str]], what: Literal["erased", "withdrawn"]) -> None:
    at, path = timezone.now().isoformat(timespec="seconds"), Path(settings.ERASURE_LEDGER)
    lines = [
        Line(at, str(erasure), person, _key_mark(), what) for erasure, own in hashes.items() for person in own
    ]
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    try:
        is_new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "rb+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(handle, 1, size - 1) != b"\n":
                # A crash cut the last line short: this one must not become part of it.
                text = b"\n" + text
            if file.write(text) != len(text):
                raise Unwritable(f"{path}: no space left")
            os.fsync(handle)
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise Unwritable(f"{path}: {error.strerror}") from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _key_mark() -> str:
    return hmac.new(settings.SECRET_KEY.encode(), b"chatadmin ledger key", hashlib.sha256).hexdigest()[:8]
