"""Whose turn the jobs are: a worker's, a process that does nothing else, where one lives; else every server's.

A worker holds a lease that it renews; one that is killed loses it by itself, and the servers take the jobs again.
Nothing is wrong where two do them at once: every job has a lease of its own, and every sweep may run twice.
"""

from __future__ import annotations

import threading
import time

from chatadmin.lib import redis_store
from chatadmin.lib.leases import Leases, Terms, leases

TERMS = Terms(lease_seconds=10, grace_seconds=0)
RENEW_SECONDS = 2.0
# So long a server goes by what it saw last, however many of its threads ask.
LOOK_SECONDS = 1.0
GROUP = "worker"


def store() -> Leases:
    """The leases of all workers; one member for each."""
    return leases("workers", TERMS)


def renew(worker: str) -> None:
    """That worker lives: takes or renews its lease. Raises redis_store.UNREACHABLE."""
    store().touch([(GROUP, worker)])


def leave(worker: str) -> None:
    """That worker ends. Raises redis_store.UNREACHABLE; the lease then lapses by itself."""
    store().drop(GROUP, worker)


def some_live() -> bool:
    """Whether a worker lives. Raises redis_store.UNREACHABLE."""
    store().reap()
    return store().count() > 0


class Turn:
    """Whether the jobs are this process's to do, which its threads ask before each."""

    def __init__(self) -> None:
        # Set by a worker: its own jobs are always its to do.
        self.is_worker = False
        self.lock = threading.Lock()
        self.others_work, self.looked_at = False, 0.0

    def __call__(self) -> bool:
        """True where no worker lives, or nobody can say: better done twice at once than not at all."""
        if self.is_worker or not redis_store.configured():
            return True
        with self.lock:
            if time.monotonic() - self.looked_at >= LOOK_SECONDS:
                try:
                    self.others_work = some_live()
                except redis_store.UNREACHABLE:
                    self.others_work = False
                self.looked_at = time.monotonic()
            return not self.others_work
