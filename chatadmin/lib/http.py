"""HTTP as uvicorn speaks it, but for whoever says half a request and no more, or never reads the answer, however little
of it: each part of it has a deadline, and a head a size."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
import termios
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES = 64 * 1024
# What is sent to us are forms and frames of a few hundred KB at most.
BODY_SECONDS = 30.0
# A download may take hours, but not this long without the client taking anything of it.
UNREAD_SECONDS = 120.0
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"
TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n"


class PunctualHttp(HttpToolsProtocol):
    """HTTP whose request heads are whole within HEAD_SECONDS of the connection, or of a later request's first byte,
    and not much longer than HEAD_BYTES; bodies BODY_SECONDS after their heads. Who has said nothing by then is let go
    without a word, and so is who takes nothing of an answer for UNREAD_SECONDS."""

    head_timer: asyncio.TimerHandle | None = None
    body_timer: asyncio.TimerHandle | None = None
    unread_timer: asyncio.TimerHandle | None = None
    head_bytes = 0
    # Applications that may still add to what waits for the other end.
    answering = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = self._watched(self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self.head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        super().data_received(data)
        if self.head_timer is not None:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES:
                self._refuse(TOO_LONG)

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            self._forget_body()
            self.body_timer = self.loop.call_later(BODY_SECONDS, self._body_overdue)

    def on_message_complete(self) -> None:
        self._forget_body()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._forget_unread()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._watch_rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._forget_unread()
        self._await_reading()

    def resume_writing(self) -> None:
        self._forget_unread()
        super().resume_writing()
        self._watch_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_body()
        self._forget_unread()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self.head_bytes = 0
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._overdue)

    def _forget_head(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _forget_body(self) -> None:
        if self.body_timer is not None:
            self.body_timer.cancel()
            self.body_timer = None

    def _forget_unread(self) -> None:
        if self.unread_timer is not None:
            self.unread_timer.cancel()
            self.unread_timer = None

    def _watched(self, app: Any) -> Any:
        """`app`; once it has ended, what of its answer waits here is watched until it is taken."""

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            self.answering += 1
            if not self.flow.write_paused:
                self._forget_unread()
            try:
                await app(scope, receive, send)
            finally:
                self.answering -= 1
                # By then the server has said what it says to a failure, and tried to send it.
                self.loop.call_soon(self._watch_rest)

        return watched

    def _watch_rest(self) -> None:
        """Below the mark where writing pauses nobody tells us whether the rest is taken."""
        if self.unread_timer is None and (self.transport.is_closing() or not self.answering):
            self._await_reading()

    def _await_reading(self) -> None:
        if not self.transport.get_write_buffer_size():
            return
        self.unread_timer = self.loop.call_later(
            UNREAD_SECONDS, self._look_whether_read, self._unread_bytes()
        )

    def _look_whether_read(self, before: int) -> None:
        self.unread_timer = None
        # The system holds megabytes for a slow reader, who takes some of them long before there is room for more.
        if self.transport.get_write_buffer_size() and self._unread_bytes() >= before:
            self.transport.abort()
        else:
            self._await_reading()

    def _unread_bytes(self) -> int:
        """What waits here, and in the system for the other end to take it."""
        queued = bytearray(4)
        with contextlib.suppress(OSError):  # a system that doesn't say
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
        return self.transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)

    def _overdue(self) -> None:
        self._refuse(TOO_SLOW if self.head_bytes else b"")

    def _body_overdue(self) -> None:
        self._refuse(b"" if self.cycle.response_started else TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self._forget_head()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
            self._watch_rest()
