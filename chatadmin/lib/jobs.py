"""Runs the schedule: small idempotent sweeps, each every so many seconds, in one thread of this process."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from django.db import close_old_connections, connections

log = structlog.get_logger("chatadmin.jobs")

TICK_SECONDS = 1.0
STOP_SECONDS = 5.0

_stopping: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stopping", default=None)


def is_stopping() -> bool:
    """For a sweep: whether the schedule that runs it was asked to stop, so that it should end where it can."""
    stopping = _stopping.get()
    return stopping is not None and stopping.is_set()


@dataclass(frozen=True)
class Sweep:
    """What runs, and how many seconds lie between two runs. Safe to run twice at once and to be killed at any point."""

    name: str
    every_seconds: float
    run: Callable[[], object]


class Schedule:
    """A thread that runs sweeps for as long as the process lives. `start` may be called again and again."""

    def __init__(self, sweeps: Sequence[Sweep]) -> None:
        self.sweeps = sweeps
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def start(self) -> None:
        """Starts the thread if none runs."""
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.stopping.clear()
                self.thread = threading.Thread(target=self._work, name="chatadmin-jobs", daemon=True)
                self.thread.start()

    def ask_to_stop(self) -> None:
        """Has the thread end after the sweep that it is in, which can ask `is_stopping`."""
        self.stopping.set()

    def join(self, seconds: float = STOP_SECONDS) -> None:
        """Waits until it has ended, so long at most."""
        if self.thread is not None:
            self.thread.join(seconds)

    def stop(self) -> None:
        """Ends the thread, waiting STOP_SECONDS at most."""
        self.ask_to_stop()
        self.join()

    def _work(self) -> None:
        _stopping.set(self.stopping)
        due = {sweep.name: 0.0 for sweep in self.sweeps}
        try:
            while not self.stopping.wait(TICK_SECONDS):
                for sweep in self.sweeps:
                    if time.monotonic() >= due[sweep.name] and not self.stopping.is_set():
                        due[sweep.name] = time.monotonic() + sweep.every_seconds
                        run(sweep)
        finally:
            connections.close_all()


def run(sweep: Sweep) -> None:
    """Runs one sweep; its failure is logged and ends nothing else."""
    close_old_connections()
    try:
        sweep.run()
    except Exception as error:
        log.error("jobs.failed", sweep=sweep.name, error=type(error).__name__)
    finally:
        close_old_connections()
