"""Tells from numbers that messages between processes were lost: those that Redis took to nobody say nothing themselves.

Each process numbers what it sends, from 1 on. A number that is higher than expected, or a process with a beacon that
falls silent without a goodbye, means that something was missed; nobody knows what. One without a beacon, as a command,
speaks when it has something to say, and then ends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

# So long the number of a process without a beacon is remembered.
KEPT_SECONDS = 3_600


@dataclass(frozen=True)
class _Heard:
    number: int
    at: float
    has_beacon: bool


class Gaps:
    """What was last heard of each process."""

    def __init__(self, silence_seconds: float) -> None:
        self.silence_seconds = silence_seconds
        self.heard: dict[str, _Heard] = {}

    def hear(
        self,
        origin: str,
        number: int,
        *,
        answers: bool = False,
        has_beacon: bool = True,
        now: float | None = None,
    ) -> bool:
        """Takes down the number of a message. True where one before it was missed: of a process that is new, all that
        it said until then, but where it `answers` us, who asked who is there."""
        now = time.monotonic() if now is None else now
        known = self.heard.get(origin)
        last = known.number if known else number - 1 if answers else 0
        self.heard[origin] = _Heard(max(last, number), now, has_beacon)
        return number > last + 1

    def part(self, origin: str) -> None:
        """It said goodbye, so its silence will mean nothing."""
        self.heard.pop(origin, None)

    def fallen_silent(self, now: float | None = None) -> bool:
        """Whether a process with a beacon was heard no more: it may have died with something to say. Told once of
        each."""
        now = time.monotonic() if now is None else now
        silent = [
            (origin, heard)
            for origin, heard in self.heard.items()
            if now - heard.at > (self.silence_seconds if heard.has_beacon else KEPT_SECONDS)
        ]
        for origin, _ in silent:
            del self.heard[origin]
        return any(heard.has_beacon for _, heard in silent)
