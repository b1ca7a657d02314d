"""The ledger of erasures: a file that only grows, outside the database, which restoring a backup would turn back.

A line names a person by the keyed hash of staff/audit.py, nothing else of them. It is on the disk before the
tombstone is committed, so there is no erasure that the ledger doesn't know; once that is committed another line
confirms it, and one that failed is withdrawn by another. A line's MAC is over what it says and the line before, so
that nobody without SECRET_KEY can add one, and that one taken out shows.
"""

from __future__ import annotations

import fcntl
import functools
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

MAC_CHARS = 32
# A line has about 330 bytes.
TAIL_BYTES = 8 * 1024

What = Literal["erased", "confirmed", "withdrawn"]
Hashes = Mapping[uuid.UUID, Sequence[str]]


class Unwritable(Exception):
    """The ledger can't be written, so nobody may be erased. Its text says where and why."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. `key` tells lines apart that were made with another SECRET_KEY, whose hashes match nobody; `before` is
    the MAC of the line before."""

    at: str
    erasure: str
    person: str
    key: str
    what: What = "erased"
    before: str = ""
    mac: str = ""


@dataclass
class Told:
    """What a ledger says: erasures by the person's hash, apart those that nobody confirmed (`doubtful`: they may never
    have begun); how many lines are of another key; the numbers of lines that are none, of lines that this
    installation didn't write there (`forged`, which aren't used), and of lines before which others are missing."""

    erased: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    foreign: int = 0
    broken: list[int] = field(default_factory=list)
    forged: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every line could be used and none is missing but at the end, where that doesn't show."""
        return not (self.foreign or self.broken or self.forged or self.gaps)


def append(hashes: Hashes) -> None:
    """Adds, for each erasure, a line for each of its person's hashes; they are on the disk when this returns.

    Raises Unwritable.
    """
    _write(hashes, "erased")


def confirm(hashes: Hashes) -> None:
    """These erasures' tombstones are committed. Raises Unwritable."""
    _write(hashes, "confirmed")


def withdraw(hashes: Hashes) -> None:
    """These erasures didn't begin after all. Raises Unwritable."""
    _write(hashes, "withdrawn")


def read(path: Path) -> Told:
    """Everything that the ledger says. Raises OSError where it can't be read."""
    told, said, seen, before = Told(), _Said(), set[str](), ""
    with open(path, "rb") as lines:
        for number, raw in enumerate(_lines(lines), 1):
            line = _decoded(raw)
            if line is None:
                told.broken.append(number)
                continue
            if line.before != before:
                told.gaps.append(number)
            before = line.mac
            if line.key != _key_mark():
                told.foreign += 1
            elif line.mac in seen or not hmac.compare_digest(line.mac, _mac(line)):
                told.forged.append(number)
            else:
                seen.add(line.mac)
                said.hear(line)
    told.erased, told.doubtful = said.erased(), said.doubtful()
    return told


def current() -> Told:
    """What this installation's own ledger says by now; nothing where there is none yet. Raises OSError."""
    path = Path(settings.ERASURE_LEDGER)
    try:
        state = path.stat()
    except FileNotFoundError:
        return Told()
    return _read_once(path, _key_mark(), (state.st_ino, state.st_size, state.st_mtime_ns))


@functools.lru_cache(maxsize=1)
def _read_once(path: Path, key: str, state: tuple[int, int, int]) -> Told:
    return read(path)


class _Said:
    """What became of each erasure of each person: of one that was withdrawn, what else was erased of them still is."""

    def __init__(self) -> None:
        self.last: dict[str, dict[str, What]] = {}

    def hear(self, line: Line) -> None:
        self.last.setdefault(line.person, {})[line.erasure] = line.what

    def erased(self) -> dict[str, str]:
        return dict(self._those("confirmed"))

    def doubtful(self) -> dict[str, str]:
        sure = self.erased()
        return {person: erasure for person, erasure in self._those("erased") if person not in sure}

    def _those(self, what: What) -> Iterator[tuple[str, str]]:
        for person, erasures in self.last.items():
            for erasure, last in erasures.items():
                if last == what:
                    yield person, erasure


def _lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line.strip() for line in lines if line.strip())


def _decoded(raw: bytes) -> Line | None:
    try:
        return msgspec.json.decode(raw, type=Line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write(hashes: Hashes, what: What) -> None:
    path = Path(settings.ERASURE_LEDGER)
    try:
        is_new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "rb+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            tail = os.pread(handle, TAIL_BYTES, max(0, size - TAIL_BYTES))
            text = b"".join(
                msgspec.json.encode(line) + b"\n" for line in _made(hashes, what, _last_mac(tail))
            )
            if tail and not tail.endswith(b"\n"):
                # A crash cut the last line short: this one must not become part of it.
                text = b"\n" + text
            if file.write(text) != len(text):
                raise Unwritable(f"{path}: no space left")
            os.fsync(handle)
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise Unwritable(f"{path}: {error.strerror}") from None


def _made(hashes: Hashes, what: What, before: str) -> Iterator[Line]:
    at = timezone.now().isoformat(timespec="seconds")
    for erasure, own in hashes.items():
        for person in own:
            line = Line(at, str(erasure), person, _key_mark(), what, before)
            before = _mac(line)
            yield msgspec.structs.replace(line, mac=before)


def _last_mac(tail: bytes) -> str:
    """That of the last line that is one, as `read` sees it."""
    for raw in reversed(list(_lines(tail.split(b"\n")))):
        line = _decoded(raw)
        if line is not None:
            return line.mac
    return ""


def _mac(line: Line) -> str:
    said = msgspec.json.encode([line.at, line.erasure, line.person, line.key, line.what, line.before])
    return hmac.new(_mac_key(settings.SECRET_KEY), said, hashlib.sha256).hexdigest()[:MAC_CHARS]


@functools.cache
def _mac_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin ledger line", "sha256")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _key_mark() -> str:
    return _mark(settings.SECRET_KEY)


@functools.cache
def _mark(secret: str) -> str:
    return hmac.new(secret.encode(), b"chatadmin ledger key", hashlib.sha256).hexdigest()[:8]
