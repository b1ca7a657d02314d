"""How much goes into a transaction of a long piece of work, so that others who want to write wait a moment at most."""

from __future__ import annotations

import time

SECONDS = 0.025
# Others get as much time as the transaction took, up to this.
REST_SECONDS = 0.2
# One that was quick by chance makes the next no more than so many times as large.
STEP = 2.0


class Pace:
    """`amount`: how much the next transaction takes, of `least` to `most`, so that it is done in about SECONDS."""

    def __init__(self, amount: int, *, least: int, most: int) -> None:
        self.least, self.most = min(least, most), most
        self.amount = min(amount, most)

    def slow_down(self) -> None:
        """After one that took far too long."""
        self.amount = max(self.least, self.amount // 2)

    def rest(self, seconds: float, *, was_whole: bool = True) -> None:
        """After one that took so long; one that wasn't `was_whole`, for there was no more to do, says nothing."""
        if was_whole:
            wanted = self.amount * min(STEP, SECONDS / max(seconds, SECONDS / STEP))
            self.amount = int(max(self.least, min(self.most, wanted)))
        time.sleep(min(REST_SECONDS, seconds))
