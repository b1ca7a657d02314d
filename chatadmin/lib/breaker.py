"""Keeps everybody off a server that hangs: after one time-out nobody asks it any more until it answers again.

Source: the circuit breaker of M. Nygard, "Release It!", 2007; here it is closed again by a thread that looks, so that
nobody's request is the one that tries.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PAUSE_SECONDS = 1.0


class Breaker:
    """Open from `trip` until `answers` returns True. `answers` may take long; it must not raise."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self.answers = answers
        self.lock = threading.Lock()
        self.is_open = False

    def trip(self) -> None:
        """The server took too long. One that is open already stays so."""
        with self.lock:
            if self.is_open:
                return
            self.is_open = True
        threading.Thread(target=self._watch, name="chatadmin-breaker", daemon=True).start()

    def _watch(self) -> None:
        while not self.answers():
            time.sleep(PAUSE_SECONDS)
        self.is_open = False
