"""Keeps the list of levels of an FTS5 index short.

Whatever brings all of an index into one piece puts it two levels higher than anything was before, and SQLite (3.40 for
one) takes an index of more than 2,000 levels for damaged: after some 1,200 erasures nobody could write any more. Levels
that hold nothing are taken out; what the others hold, and their order, stays.
Source of the format: the comments at the head of ext/fts5/fts5_index.c, "The structure record".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

RECORD = 10
MOST_LEVELS = 64
# Kept beneath what is large, so that a few small pieces beside it aren't joined into it each time.
KEPT_LEVELS = 16
COOKIE_BYTES = 4
# Another form of the record, which our tables never have.
SECOND_FORM = b"\xff\x00\x00\x01"
Level = tuple[int, ...]


@dataclass(frozen=True)
class Levels:
    """A structure record: its cookie, the number of pieces and of writes, and by level how many of its pieces are being
    joined, how many it has, and of each three numbers."""

    cookie: bytes
    pieces: int
    writes: int
    levels: tuple[Level, ...]

    @classmethod
    def read(cls, block: bytes) -> Levels | None:
        """None for a record that isn't of the form that is known here."""
        cookie, rest = block[:COOKIE_BYTES], block[COOKIE_BYTES:]
        if rest.startswith(SECOND_FORM):
            return None
        numbers = _numbers(rest)
        try:
            count, pieces, writes = next(numbers), next(numbers), next(numbers)
            levels = tuple(_level(numbers) for _ in range(count))
        except (StopIteration, RuntimeError):
            return None
        found = cls(cookie, pieces, writes, levels)
        return found if found.block == block else None

    @property
    def block(self) -> bytes:
        """The record as it is kept."""
        numbers = [
            len(self.levels),
            self.pieces,
            self.writes,
            *(part for level in self.levels for part in level),
        ]
        return self.cookie + b"".join(map(_varint, numbers))

    @property
    def is_resting(self) -> bool:
        """Whether nothing is being joined."""
        return not any(level[0] for level in self.levels)

    def shortened(self) -> Levels:
        """The same without the empty levels above the lowest KEPT_LEVELS."""
        kept = [level for at, level in enumerate(self.levels) if at < KEPT_LEVELS or level[1]]
        return Levels(self.cookie, self.pieces, self.writes, tuple(kept))


def shorten(table: str) -> bool:
    """Takes the empty levels out of an FTS5 table where there are many. Returns whether it did.

    By a connection of its own: FTS5 looks anew at what another one has changed. Raises django.db.DatabaseError.
    """
    data = connection.ops.quote_name(f"{table}_data")
    looked_for = f"SELECT block FROM {data} WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        found = Levels.read(cursor.execute(looked_for, [RECORD]).fetchone()[0])
    if found is None or len(found.levels) <= MOST_LEVELS:
        return False
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            now = Levels.read(cursor.execute(looked_for, [RECORD]).fetchone()[0])
            if now is None or not now.is_resting:
                return False
            cursor.execute(
                f"UPDATE {data} SET block = %s WHERE id = %s",  # noqa: S608
                [now.shortened().block, RECORD],
            )
            cursor.execute("COMMIT")
    finally:
        own.close()
    return True


def _level(numbers: Iterator[int]) -> Level:
    joining, pieces = next(numbers), next(numbers)
    return (joining, pieces, *(next(numbers) for _ in range(3 * pieces)))


def _numbers(rest: bytes) -> Iterator[int]:
    """SQLite's varints: seven bits a byte, the highest first."""
    value = 0
    for byte in rest:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            yield value
            value = 0


def _varint(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(value & 0x7F | 0x80)
    return bytes(reversed(found))
