"""Runs the schedule: small idempotent sweeps, each every so many seconds, in one thread of this process."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from django.db import close_old_connections

from chatadmin.lib.working import Working, always

log = structlog.get_logger("chatadmin.jobs")

TICK_SECONDS = 1.0

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


class Schedule(Working):
    """Runs sweeps when they are due. While it isn't this process's turn they become due, and run once it is."""

    def __init__(self, sweeps: Sequence[Sweep], may_work: Callable[[], bool] = always) -> None:
        super().__init__("chatadmin-jobs", may_work)
        self.sweeps = sweeps

    def work(self) -> None:
        """Until it is asked to stop, which a sweep can see by `is_stopping`."""
        _stopping.set(self.stopping)
        due = {sweep.name: 0.0 for sweep in self.sweeps}
        while not self.stopping.wait(TICK_SECONDS):
            for sweep in self.sweeps:
                is_due = time.monotonic() >= due[sweep.name] and not self.stopping.is_set()
                if is_due and self.may_work():
                    due[sweep.name] = time.monotonic() + sweep.every_seconds
                    run(sweep)


def run(sweep: Sweep) -> None:
    """Runs one sweep; its failure is logged and ends nothing else."""
    close_old_connections()
    try:
        sweep.run()
    except Exception as error:
        log.error("jobs.failed", sweep=sweep.name, error=type(error).__name__)
    finally:
        close_old_connections()
