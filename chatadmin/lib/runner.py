"""The thread that works on jobs: several of them in turns, so that a short one never waits for a long one."""

from __future__ import annotations

import threading

import structlog
from django.db import close_old_connections, connections

from chatadmin.lib import queue
from chatadmin.lib.jobs import STOP_SECONDS
from chatadmin.lib.queue import Kinds

log = structlog.get_logger("chatadmin.jobs")

LOOK_SECONDS = 0.5
TURN_SECONDS = 0.3


class Runner:
    """Works on jobs of its kinds for as long as the process lives. `start` may be called again and again.

    Beside runners of other processes: a job is worked on by one of them at a time.
    """

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def start(self) -> None:
        """Starts the thread if none runs."""
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.stopping.clear()
                self.thread = threading.Thread(target=self._work, name="chatadmin-queue", daemon=True)
                self.thread.start()

    def ask_to_stop(self) -> None:
        """Has the thread end after the chunk that it is in; another runner may go on at once."""
        self.stopping.set()
        queue.filed.set()

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Waits until it has ended, so long at most."""
        if self.thread is not None:
            self.thread.join(seconds)

    def stop(self) -> None:
        """Ends the thread, waiting STOP_SECONDS at most."""
        self.ask_to_stop()
        self.join()

    def _work(self) -> None:
        try:
            while not self.stopping.is_set():
                if not self.turn():
                    queue.filed.wait(LOOK_SECONDS)
                    queue.filed.clear()
        finally:
            connections.close_all()

    def turn(self) -> bool:
        """Works for a moment on the job whose turn it is. False where there is none, or the database is away."""
        close_old_connections()
        try:
            job = queue.take(self.kinds.keys())
            if job is None:
                return False
            queue.work(job, self.kinds[job.kind], seconds=TURN_SECONDS, stopping=self.stopping)
        except Exception as error:
            log.error("jobs.runner_failed", error=type(error).__name__)
            return False
        finally:
            close_old_connections()
        return True
