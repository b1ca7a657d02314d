"""The thread that works on jobs: several of them in turns, so that a short one never waits for a long one."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import close_old_connections

from chatadmin.lib import queue
from chatadmin.lib.queue import Kinds
from chatadmin.lib.working import Working, always

log = structlog.get_logger("chatadmin.jobs")

LOOK_SECONDS = 0.5
TURN_SECONDS = 0.3


class Runner(Working):
    """Works on jobs of its kinds. Beside runners of other processes: a job is worked on by one of them at a time."""

    def __init__(self, kinds: Kinds, may_work: Callable[[], bool] = always) -> None:
        super().__init__("chatadmin-queue", may_work)
        self.kinds = kinds

    def ask_to_stop(self) -> None:
        """Has the thread end after the chunk that it is in; another runner may go on at once."""
        super().ask_to_stop()
        queue.filed.set()

    def work(self) -> None:
        """Takes one turn after another; where there is nothing to do it looks twice a second, or when a job is filed."""
        while not self.stopping.is_set():
            if not (self.may_work() and self.turn()):
                queue.filed.wait(LOOK_SECONDS)
                queue.filed.clear()

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
