"""One person's export as a stream of bytes, and that stream through an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from exports import as_csv, as_json
from exports.reading import Reader
from users.models import ChatUser
from users.queries import living

BLOCK_BYTES = 64 * 1024


class Form(StrEnum):
    """The forms of an export, as addresses and commands name them."""

    JSON = "json"
    CSV = "csv"


class LeaveOut(StrEnum):
    """What an export may be made without, as the file, addresses and commands name it."""

    NOTES = "notes"
    ACCESSES = "accesses"


class PersonGone(Exception):
    """The person was erased while their data was read. What was handed out before is all there is."""


@dataclass(frozen=True)
class File:
    """An export on its way: its name (no personal text), its media type, its bytes, and how many rows were read for
    them so far."""

    name: str
    media_type: str
    blocks: Iterator[bytes]
    rows_read: Callable[[], int] = int


def export(person: ChatUser, form: Form, leave_out: Collection[LeaveOut] = ()) -> File:
    """Everything about a living person, as it is now, but what is to be left out, which the file then says.

    `blocks` raises PersonGone once they are erased.
    """
    reader = Reader(person, [LeaveOut(name).value for name in leave_out])
    name = f"chatadmin-user-{person.short_id.replace('-', '')}-{reader.exported_at:%Y%m%d}"
    if form is Form.JSON:
        ending, media_type, pieces = "json", "application/json", as_json.document(reader)
    else:
        ending, media_type, pieces = "zip", "application/zip", as_csv.archive(reader)
    return File(f"{name}.{ending}", media_type, _guarded(person, pieces), lambda: reader.rows_read)


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """`pieces` in blocks; the first at once, so that the download is seen to begin."""
    held: list[bytes] = []
    size, enough = 0, 1
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= enough:
            yield b"".join(held)
            held, size, enough = [], 0, BLOCK_BYTES
    if held:
        yield b"".join(held)


def _guarded(person: ChatUser, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces` in blocks, each handed out only while the person lives."""
    for block in in_blocks(pieces):
        # After the rows were read: an erasure that began in between must not go out half.
        if not living().filter(pk=person.pk).exists():
            raise PersonGone
        yield block


async def through_threads(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`blocks`, each made in a thread; between two of them no database connection is held."""
    try:
        while (block := await sync_to_async(_next)(blocks)) is not None:
            yield block
    finally:
        await sync_to_async(_close)(blocks)


def _next(blocks: Iterator[bytes]) -> bytes | None:
    try:
        return next(blocks, None)
    finally:
        close_old_connections()


def _close(blocks: Iterator[bytes]) -> None:
    blocks.close()  # type: ignore[attr-defined]
