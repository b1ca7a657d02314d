"""What the addresses flood with in all processes together, told to the shared store ten refused frames at a time.

A flood must not fill the thread that everybody's database work waits for: a thread of its own tells the store, and
about each address one thing at a time.
"""

from __future__ import annotations

import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from chatadmin.lib import redis_store
from chatadmin.lib.limits import Limits, Rate, limits

AT_A_TIME = 10
# In tens of refused frames: 500 at once and 50 a second.
TENS = Rate(burst=50, per_second=5)
MOST_TENS = 100
SHUT_SECONDS = 1.0
KEEP_ADDRESSES = 10_000


class Refusals:
    """The refused frames of each address. Its two dictionaries forget the addresses that they met first."""

    def __init__(self, store: Limits) -> None:
        self.store = store
        self.lock = threading.Lock()
        self.untold: dict[str, int] = {}
        self.shut: dict[str, float] = {}
        self.thread = ThreadPoolExecutor(1, "chatadmin-refusals")

    def count(self, address: str) -> bool:
        """Counts one of `address`. True where that address has lately flooded: never because of this one already."""
        with self.lock:
            count = self.untold.get(address, 0) + 1
            self.untold[address] = count
            _forget_first(self.untold)
            shut = self.shut.get(address, 0.0) > time.monotonic()
        if count == AT_A_TIME:
            self.thread.submit(self._tell, address)
        return shut

    def _tell(self, address: str) -> None:
        with self.lock:
            tens, self.untold[address] = divmod(self.untold.get(address, 0), AT_A_TIME)
        told = [self.store.take(f"refused:{address}", TENS) for _ in range(min(tens, MOST_TENS))]
        if not all(told):
            with self.lock:
                self.shut[address] = time.monotonic() + SHUT_SECONDS
                _forget_first(self.shut)


def _forget_first(kept: dict[str, int] | dict[str, float]) -> None:
    while len(kept) > KEEP_ADDRESSES:
        del kept[next(iter(kept))]


@functools.cache
def shared() -> Refusals | None:
    """Those of all processes; None where there is but one."""
    return Refusals(limits()) if redis_store.configured() else None
