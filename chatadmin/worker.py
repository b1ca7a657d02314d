"""A process that does the jobs and nothing else: servers leave them to it for as long as it lives."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal

import structlog
from django.db import Error, connection

from chatadmin import jobs
from chatadmin.lib import bus, redis_store, threads, workers
from chatadmin.lib.threads import hop

log = structlog.get_logger("chatadmin.jobs")


async def run() -> None:
    """Does jobs until SIGTERM or SIGINT, then ends what it is at, for seconds at most."""
    stop = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    name = secrets.token_hex(8)
    # What jobs announce goes out over this loop, which also tells the servers that it is there, and that it goes.
    bus.subscribe(lambda event: None)
    await bus.ready()
    jobs.TURN.is_worker = True
    await _work(name, stop)
    await asyncio.to_thread(jobs.stop)
    with contextlib.suppress(*redis_store.UNREACHABLE):
        await hop(workers.leave)(name)
    await bus.farewell()
    await asyncio.to_thread(threads.close)
    log.info("worker.stopped")


async def _work(name: str, stop: asyncio.Event) -> None:
    """Starts the jobs, and again any thread of theirs that died; renews the lease."""
    has_started = False
    while not stop.is_set():
        jobs.start()
        try:
            await hop(_renew)(name)
        except (*redis_store.UNREACHABLE, Error) as error:
            log.warning("worker.unseen", error=type(error).__name__)
        if not has_started:
            log.info("worker.started")
            has_started = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(workers.RENEW_SECONDS):
                await stop.wait()


def _renew(name: str) -> None:
    # Who can't reach the database must not keep the servers from the jobs.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    workers.renew(name)
