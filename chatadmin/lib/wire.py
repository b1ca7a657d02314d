"""WebSockets as uvicorn speaks them, but for whoever floods below the frames that the application sees, or never reads.

Pings, pongs and fragments are nobody's message, but each costs time, and what isn't read costs memory. A stranger's
mistake is a close code of theirs, and no error in our log.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from chatadmin.lib.limits import Bucket, Rate

BELOW = Rate(burst=100, per_second=10)
FLOOD = 4429
NOT_TEXT = 1007
# A read may hold 40,000 empty frames; of a piece there are few enough to be counted before others wait.
PIECE_BYTES = 4 * 1024
DRAIN_SECONDS = 15.0


class PatientSockets(WebSocketsSansIOProtocol):
    """Closes with 4429 over 100 pings, pongs and fragments at once and 10 a second after, with 1007 at a text that isn't
    UTF-8. A peer that doesn't read to the end is let go DRAIN_SECONDS after its socket's."""

    below: Bucket | None = None
    end_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + PIECE_BYTES])

    def handle_ping(self) -> None:
        if self._may():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._may():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if self._may():
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        # uvicorn, which reads it once more, would log a traceback.
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(b"".join(self.frames)):
            self._fail(NOT_TEXT, "not UTF-8")
        else:
            super().send_receive_event_to_app()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            self.end_timer = self.loop.call_later(DRAIN_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.end_timer is not None:
            self.end_timer.cancel()
        super().connection_lost(exc)

    def _may(self) -> bool:
        """Whether one more of these frames is worked on."""
        if self.close_sent:
            return False
        self.below = self.below or Bucket(BELOW)
        if not self.below.take():
            self._fail(FLOOD, "flood")
            return False
        return True

    def _fail(self, code: int, reason: str) -> None:
        if not self.handshake_complete:
            self.transport.abort()
            return
        # The rest of what comes is read and thrown away until the peer hangs up: closing on unread bytes would reset
        # the connection, and lose the code on its way.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.fail(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
