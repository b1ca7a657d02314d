"""Keeps everybody off a server that hangs: after one time-out nobody asks it any more until it answers again.

Source: the circuit breaker of M. Nygard, "Release It!", 2007; here it is closed again by a thread that looks, so that
nobody's request is the one that tries.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger("chatadmin.redis")

PAUSE_SECONDS = 1.0


class Breaker:
    """Open from `trip` until `answers` returns True, for as long as a thread of this process looks whether it does:
    never where none could be started, nor in a forked child. `answers` may take long."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self.answers = answers
        self.lock = threading.Lock()
        self.watch: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody is to ask."""
        watch = self.watch
        return watch is not None and watch.is_alive()

    def trip(self) -> None:
        """The server took too long. One that is open already stays so."""
        # Who has the lock is about to open it; a fork may leave it with nobody, so that it isn't waited for.
        if not self.lock.acquire(blocking=False):
            return
        try:
            if not self.is_open:
                watch = threading.Thread(target=self._watch, name="chatadmin-breaker", daemon=True)
                watch.start()
                self.watch = watch
        except RuntimeError as error:  # no thread to be had: the next time-out tries again
            log.warning("breaker.no_thread", error=type(error).__name__)
        finally:
            self.lock.release()

    def _watch(self) -> None:
        while not self.answers():
            time.sleep(PAUSE_SECONDS)
