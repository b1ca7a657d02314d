"""Database work off the event loop: threads of our own, each with a connection that it keeps.

Django closes a connection before and after each piece of work that `database_sync_to_async` runs; for a query of
half a millisecond, opening the file again takes two more.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

Given = ParamSpec("Given")
Result = TypeVar("Result")

# What a server keeps for a connection grows with its age.
KEEP_SECONDS = 600.0
# Past that, ask whether it still stands: the server may have been restarted meanwhile.
IDLE_SECONDS = 1.0


class _Kept(threading.local):
    """When this thread opened its connections, and when it last used them."""

    def __init__(self) -> None:
        self.opened_at = self.used_at = time.monotonic()


_kept = _Kept()


def steady(work: Callable[[], Result]) -> Result:
    """Runs `work` in this thread on its kept connections. For threads that end with `connections.close_all()`."""
    _look_before()
    try:
        return work()
    finally:
        _look_after()


def _look_before() -> None:
    now = time.monotonic()
    if now - _kept.opened_at > KEEP_SECONDS:
        connections.close_all()
    elif now - _kept.used_at > IDLE_SECONDS:
        for connection in connections.all(initialized_only=True):
            if connection.connection is not None and not connection.is_usable():
                connection.close()
    if all(connection.connection is None for connection in connections.all(initialized_only=True)):
        _kept.opened_at = now


def _look_after() -> None:
    _kept.used_at = time.monotonic()
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and connection.errors_occurred:
            if connection.is_usable():
                connection.errors_occurred = False
            else:
                connection.close()


class _Pool:
    """The one thread that sockets and hubs hop to. Their work is done there in the order in which it was asked."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="chatadmin-hop")


_pool: _Pool | None = None
_guard = threading.Lock()


def _executor() -> ThreadPoolExecutor:
    """This process's; a forked child gets its own."""
    global _pool
    with _guard:
        if _pool is None or _pool.pid != os.getpid():
            _pool = _Pool()
        return _pool.executor


def hop(work: Callable[Given, Result]) -> Callable[Given, Awaitable[Result]]:
    """`work` for the event loop: awaited there, done in the process's hop thread."""

    @functools.wraps(work)
    async def hopped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        call = functools.partial(contextvars.copy_context().run, steady, lambda: work(*args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(_executor(), call)

    return hopped


def close() -> None:
    """Ends the hop thread after the work that it has, and its connections with it."""
    global _pool
    with _guard:
        pool, _pool = _pool, None
    if pool is not None and pool.pid == os.getpid():
        pool.executor.submit(connections.close_all)
        pool.executor.shutdown()
