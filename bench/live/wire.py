"""A WebSocket that costs next to nothing, so that the load generator isn't what is measured.

Only what a chat needs: text frames in one piece. The mask is zero: the server undoes it all the same, and nobody
stands between us that it would protect.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

OPEN_SECONDS = 60.0
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NO_MASK = b"\0\0\0\0"
LOST = 1006
_open: set[Wire] = set()


class NotOpened(Exception):
    """The server didn't take the socket; says what it answered."""


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """A frame of the client's."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x80 | kind, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 0xFF)) + size.to_bytes(8, "big")
    return head + NO_MASK + payload


class Wire(asyncio.Protocol):
    """One socket. `text` is called with each text frame, `closed` once with the close code (1006: none came)."""

    def __init__(self, text: Callable[[bytes], None], closed: Callable[[int], None] | None = None) -> None:
        self.text, self.closed = text, closed
        self.left = b""
        self.code = LOST
        self.is_open = False
        self.handshake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def send(self, payload: bytes) -> None:
        """Sends a text frame; nothing where the socket is closed."""
        if self.transport is not None:
            self.transport.write(frame(payload))

    def close(self) -> None:
        """Closes as a browser does that goes elsewhere."""
        if self.transport is not None:
            self.transport.write(frame((1001).to_bytes(2, "big"), CLOSE))
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no kin of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        _open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        _open.discard(self)
        if not self.handshake.done():
            self.handshake.set_exception(NotOpened("the connection was closed"))
        if self.closed is not None:
            self.closed(self.code)

    def data_received(self, data: bytes) -> None:
        if self.left:
            data = self.left + data
        at = 0 if self.is_open else self._answered(data)
        size = len(data)
        while at >= 0 and size - at >= 2:
            length, begin = data[at + 1], at + 2
            if length >= 126:
                begin = at + (4 if length == 126 else 10)
                length = int.from_bytes(data[at + 2 : begin], "big")
            end = begin + length
            if end > size or begin > size:
                break
            self._frame(data[at], data[begin:end])
            at = end
        self.left = data[max(at, 0) :]

    def _answered(self, data: bytes) -> int:
        """Where the first frame begins; -1 while the answer to the handshake isn't whole."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return -1
        if not data.startswith(b"HTTP/1.1 101"):
            if not self.handshake.done():
                self.handshake.set_exception(NotOpened(data.split(b"\r\n", 1)[0].decode("latin-1")))
            return len(data)
        self.is_open = True
        self.handshake.set_result(None)
        return end + 4

    def _frame(self, first: int, payload: bytes) -> None:
        kind = first & 0x0F
        if kind == TEXT and first & 0x80:
            self.text(payload)
        elif kind == CLOSE:
            self.code = int.from_bytes(payload[:2], "big") if payload else LOST
            if self.transport is not None:
                self.transport.write(frame(payload[:2], CLOSE))
                self.transport.close()
        elif kind == PING and self.transport is not None:
            self.transport.write(frame(payload, PONG))
        elif kind != PONG:
            raise ValueError(f"a frame of kind {first:#x}")


async def connect(
    url: str,
    text: Callable[[bytes], None],
    closed: Callable[[int], None] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    source: str | None = None,
    receive_bytes: int = 0,
) -> Wire:
    """Opens the socket at `url` (`http://…/ws/…`). `source`: the address to come from; `receive_bytes`: the size of
    the kernel's buffer. Raises NotOpened, OSError, TimeoutError."""
    parts = urlsplit(url)
    plain = socket.socket()
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    plain.setblocking(False)
    if source is not None:
        plain.bind((source, 0))
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await loop.sock_connect(plain, (parts.hostname, parts.port))
            _, wire = await loop.create_connection(lambda: Wire(text, closed), sock=plain)
            wanted = {
                "Host": parts.netloc,
                "Origin": f"http://{parts.netloc}",
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Version": "13",
                **(headers or {}),
            }
            lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", *(f"{k}: {v}" for k, v in wanted.items())]
            assert wire.transport is not None
            wire.transport.write("\r\n".join([*lines, "", ""]).encode())
            await wire.handshake
    except BaseException:
        plain.close()
        raise
    return wire


async def hang_up(seconds: float = 5.0) -> None:
    """Closes every socket of this process, at last without a word."""
    for wire in list(_open):
        wire.close()
    deadline = time.monotonic() + seconds
    while _open and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    for wire in list(_open):
        if wire.transport is not None:
            wire.transport.abort()
    await asyncio.sleep(0)
