"""The schedule and the queue: which sweeps and which kinds of job there are, and what starts them in a server or worker."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from chatadmin.lib import bus, queue
from chatadmin.lib.jobs import Schedule, Sweep
from chatadmin.lib.queue import Kind
from chatadmin.lib.runner import Runner
from chatadmin.lib.socket import Receive, Scope, Send
from chatadmin.lib.workers import Turn
from chatadmin.lib.working import STOP_SECONDS, Working
from conversations.actions import close_idle
from conversations.mailing import mail_unread
from conversations.writer import WRITER
from exports import collect_purge, erasures_bulk, retention, retention_jobs
from exports.erasure import Sweeper
from exports.export_jobs import sweep_exports, write_exports
from exports.importing import telling
from exports.requests import sweep_requests
from live.hub import StaffHub
from search import bulk
from search.spans import sweep_spans
from staff.audit_sealing import seal
from users import presence, tag_actions
from widget.hub import VisitorHub

TURN = Turn()
SCHEDULE = Schedule(
    [
        Sweep("end_stale_visits", 60, presence.end_stale_visits),
        Sweep("seal_audit_log", 5, seal),
        Sweep("close_idle_conversations", 300, close_idle),
        Sweep("sweep_jobs", 300, queue.sweep),
        Sweep("sweep_requests", 3600, sweep_requests),
        Sweep("sweep_exports", 60, sweep_exports),
        Sweep("apply_retention", 600, retention.file_due),
        Sweep("sweep_message_spans", 300, sweep_spans),
    ],
    TURN,
)
# In a thread of its own: a mail server that hangs holds up no other sweep.
MAILS = Schedule([Sweep("mail_unread_replies", 30, mail_unread)], TURN)
# So does a file of many people, which takes its time.
EXPORTS = Schedule([Sweep("write_exports", 1, write_exports)], TURN)
# In a thread of its own: somebody with a million messages takes a while.
ERASURES = Schedule([Sweep("erasures", 1, Sweeper().run)], TURN)
KINDS: dict[str, Kind] = {
    bulk.KIND: bulk.JOBS,
    tag_actions.KIND: tag_actions.JOBS,
    retention.KIND: retention_jobs.JOBS,
    collect_purge.KIND: collect_purge.JOBS,
    erasures_bulk.KIND: erasures_bulk.JOBS,
    erasures_bulk.APPROVE_KIND: erasures_bulk.APPROVE_JOBS,
    telling.KIND: telling.JOBS,
}
RUNNER = Runner(KINDS, TURN)


def start() -> None:
    """Starts them, each in a thread of its own: a long job holds up no sweep."""
    SCHEDULE.start()
    MAILS.start()
    EXPORTS.start()
    ERASURES.start()
    RUNNER.start()


def stop() -> None:
    """Ends them, all at once and each after what it is at, waiting STOP_SECONDS at most; and the message writers after
    all that they were given."""
    working: list[Working] = [MAILS, SCHEDULE, RUNNER, EXPORTS, ERASURES]
    for one in working:
        one.ask_to_stop()
    # What was taken in is written, and told, before the process goes.
    WRITER.stop()
    ends = time.monotonic() + STOP_SECONDS
    for one in working:
        one.join(max(0.0, ends - time.monotonic()))


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Starts schedule and queue with the server and stops them with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            start()
            presence.keep()
            # Before the first socket, so that it misses nothing that other processes say.
            VisitorHub.current()
            StaffHub.current()
            await bus.ready()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(stop)
            await bus.farewell()
            await send({"type": "lifespan.shutdown.complete"})
            return


def started_by(application: Any) -> Any:
    """Wraps an ASGI application so that its first request starts schedule and queue, for servers without lifespan."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        start()
        await application(scope, receive, send)

    return wrapped
