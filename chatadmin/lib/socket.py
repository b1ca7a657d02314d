"""A WebSocket of ours: accepts, reads frames one after the other, writes through a bounded queue, closes with a code.

Plain ASGI rather than a Channels consumer: those take a thread hop for each event that reaches them, and we have
many events that touch no database. Close codes above 4000 are the contract's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

log = structlog.get_logger("chatadmin.socket")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

COME_BACK = 1012
FLUSH_SECONDS = 5.0


class Closing(Exception):
    """Ends a socket with a close code and a reason of at most 123 bytes."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Socket:
    """One socket. A subclass says what to do when it opens, with each frame, and when it closes."""

    queue_frames = 256
    # A frame is taken while fewer wait, whatever its own size: a page's whole state is one frame.
    queue_bytes = 256 * 1024
    ping_seconds = 15.0

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self._queue: asyncio.Queue[str] = asyncio.Queue(self.queue_frames)
        self._waiting_bytes = 0
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self.patience_seconds = 45.0
        # How the other side ended it; None while it hasn't, and where we did.
        self.disconnect_code: int | None = None

    async def opened(self) -> None:
        """Called once the socket is accepted. May raise Closing."""

    async def received(self, text: str | None, binary: bytes | None) -> None:
        """Called with each frame, in order. May raise Closing."""

    async def closed(self) -> None:
        """Called once at the end, however it came."""

    def ping(self) -> str | None:
        """What to send every `ping_seconds`; None sends nothing."""
        return None

    def silent(self) -> Closing:
        """How to close where nothing was heard for `patience_seconds`."""
        return Closing(4408, "silent")

    def lagged(self) -> None:
        """Called when the reader is so slow that the queue is full; the frame is lost."""
        self.close(Closing(COME_BACK, "too slow"))

    def push(self, text: str) -> None:
        """Queues a frame. Never blocks."""
        if self._queue.full() or self._waiting_bytes >= self.queue_bytes:
            self.lagged()
        else:
            self._put(text)

    def _put(self, text: str) -> None:
        self._waiting_bytes += _bytes(text)
        self._queue.put_nowait(text)

    def drop_queue(self) -> None:
        """Forgets the frames that wait to be written."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        self._waiting_bytes = 0

    def close(self, closing: Closing) -> None:
        """Ends the socket from outside its own reading, after what is queued."""
        if not self._closing.done():
            self._closing.set_result(closing)

    def header(self, name: bytes) -> str:
        """A request header's value, or ""."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value.decode("latin-1"))
        return ""

    async def run(self) -> None:
        """Serves the socket from connect to disconnect."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        await self._send({"type": "websocket.accept"})
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read())
        self._next_ping = asyncio.get_running_loop().call_later(self.ping_seconds, self._ping)
        try:
            ends: set[asyncio.Future[Any]] = {reader, writer, self._closing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            closing = self._outcome(reader)
            if closing is not None:
                await self._say_goodbye(writer, closing)
            elif not reader.done():
                # Nothing can be written any more. A frame half worked on is worked on to its end, so that what it
                # took is given back in `closed`.
                await asyncio.wait({reader}, timeout=FLUSH_SECONDS)
        finally:
            self._next_ping.cancel()
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
            self._closing.cancel()
            await self.closed()

    def _outcome(self, reader: asyncio.Task[None]) -> Closing | None:
        if reader.done() and not reader.cancelled():
            error = reader.exception()
            if isinstance(error, Closing):
                return error
            if error is not None:
                log.error("socket.failed", error=type(error).__name__, exc_info=error)
                return Closing(1011, "internal error")
        return self._closing.result() if self._closing.done() else None

    async def _say_goodbye(self, writer: asyncio.Task[None], closing: Closing) -> None:
        written = asyncio.create_task(self._queue.join())
        await asyncio.wait({written, writer}, timeout=FLUSH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        written.cancel()
        writer.cancel()
        # The other side may be gone already, or read nothing any more.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    async def _read(self) -> None:
        await self.opened()
        while True:
            try:
                async with asyncio.timeout(self.patience_seconds):
                    message = await self._receive()
            except TimeoutError:
                raise self.silent() from None
            if message["type"] == "websocket.disconnect":
                self.disconnect_code = _disconnected(message)
                return
            await self.received(message.get("text"), message.get("bytes"))

    async def _write(self) -> None:
        while True:
            text = await self._queue.get()
            self._waiting_bytes -= _bytes(text)
            try:
                await self._send({"type": "websocket.send", "text": text})
            except Exception:  # closed under our hands: the reader hears of it and ends the socket
                return
            self._queue.task_done()

    def _ping(self) -> None:
        # By the clock, not by our silence: whoever only listens must be asked for a sign of life all the same. One
        # timer for the socket: one around each wait for a frame took two thirds of what a frame takes.
        self._next_ping = asyncio.get_running_loop().call_later(self.ping_seconds, self._ping)
        text = self.ping()
        if text is not None and not self._queue.full():
            self._put(text)


def _bytes(text: str) -> int:
    """What `text` takes in memory at most, told without reading it."""
    return len(text) if text.isascii() else 4 * len(text)


def _disconnected(message: dict[str, Any]) -> int:
    """The close code; 1005 for a close frame without one, 1006 where the connection was lost."""
    code = message.get("code", 1006)
    if code is None:  # as daphne says it; what was lost is 1006 there
        return 1005
    # uvicorn says 1005 of both, and only of a frame that there was no reason in it either.
    return 1006 if code == 1005 and "reason" not in message else int(code)


def served_by(kind: type[Socket]) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An ASGI application that serves each connection with a socket of that kind."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await kind(scope, receive, send).run()

    return application


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Turns away a socket at an address where there is none (the handshake gets 403)."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})
