"""Tells from numbers that messages between processes were lost: those that Redis took to nobody say nothing themselves.

Each process numbers what it sends, from 1 on. A number that is higher than expected, or a process that falls silent
without a goodbye, means that something was missed; nobody knows what.
"""

from __future__ import annotations

import time


class Gaps:
    """What was last heard of each process."""

    def __init__(self, silence_seconds: float) -> None:
        self.silence_seconds = silence_seconds
        self.heard: dict[str, tuple[int, float]] = {}

    def hear(self, origin: str, number: int, *, answers: bool = False, now: float | None = None) -> bool:
        """Takes down the number of a message. True where one before it was missed: of a process that is new, all that
        it said until then, but where it `answers` us, who asked who is there."""
        now = time.monotonic() if now is None else now
        last, _ = self.heard.get(origin, (number - 1 if answers else 0, now))
        self.heard[origin] = max(last, number), now
        return number > last + 1

    def part(self, origin: str) -> None:
        """It said goodbye, so its silence will mean nothing."""
        self.heard.pop(origin, None)

    def fallen_silent(self, now: float | None = None) -> bool:
        """Whether a process was heard no more: it may have died with something to say. Told once of each."""
        now = time.monotonic() if now is None else now
        silent = [origin for origin, (_, at) in self.heard.items() if now - at > self.silence_seconds]
        for origin in silent:
            del self.heard[origin]
        return bool(silent)
