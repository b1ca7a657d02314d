"""A thread that works beside everything else for as long as the process lives, and ends soon after it is asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections

STOP_SECONDS = 5.0


def always() -> bool:
    """Nobody else does this work."""
    return True


class Working:
    """One thread. `start` may be called again and again: it starts one where none runs, or it died.

    `work` is what it does, until `stopping` is set; `may_work` says whether it is this process's turn, and is asked
    again and again.
    """

    def __init__(self, name: str, may_work: Callable[[], bool] = always) -> None:
        self.name, self.may_work = name, may_work
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def start(self) -> None:
        """Starts the thread if none runs."""
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.stopping.clear()
                self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self.thread.start()

    def ask_to_stop(self) -> None:
        """Has the thread end after what it is at."""
        self.stopping.set()

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Waits until it has ended, so long at most."""
        if self.thread is not None:
            self.thread.join(seconds)

    def stop(self) -> None:
        """Ends the thread, waiting STOP_SECONDS at most."""
        self.ask_to_stop()
        self.join()

    def work(self) -> None:
        """Works until it is asked to stop."""
        raise NotImplementedError

    def _run(self) -> None:
        try:
            self.work()
        finally:
            connections.close_all()
