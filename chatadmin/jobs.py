"""The schedule: which sweeps run in the server, and what starts them."""

from __future__ import annotations

from typing import Any

from chatadmin.lib import bus
from chatadmin.lib.jobs import Schedule, Sweep
from chatadmin.lib.socket import Receive, Scope, Send
from conversations.actions import close_idle
from exports.erasure import resume_unfinished
from live.hub import StaffHub
from users import presence
from widget.hub import VisitorHub

SCHEDULE = Schedule(
    [
        Sweep("end_stale_visits", 60, presence.end_stale_visits),
        Sweep("close_idle_conversations", 300, close_idle),
        Sweep("resume_erasures", 60, resume_unfinished),
    ]
)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Starts the schedule with the server and stops it with it."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            SCHEDULE.start()
            presence.keep()
            # Before the first socket, so that it misses nothing that other processes say.
            VisitorHub.current()
            StaffHub.current()
            await bus.ready()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            SCHEDULE.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def started_by(application: Any) -> Any:
    """Wraps an ASGI application so that its first request starts the schedule, for servers without lifespan."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        SCHEDULE.start()
        await application(scope, receive, send)

    return wrapped
