"""A stranger's end of a connection, byte by byte: for what no library would send."""

from __future__ import annotations

import socket
import struct
from typing import Self

from staff.models import Widget
from tests.server import Server

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
HELLO = b'{"type":"hello","v":1,"token":null,"page":{"url":"http://site.example/"},"after":0}'


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """A frame as clients send it, masked with zeros."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + b"\0\0\0\0" + payload
    return head + bytes([0x80 | 126]) + struct.pack("!H", len(payload)) + b"\0\0\0\0" + payload


class Raw:
    """One TCP connection to the server, from `source`: each address of the loopback network is an address of its own."""

    def __init__(self, server: Server, source: str = "127.0.0.1", seconds: float = 20.0) -> None:
        self.server = server
        self.socket = socket.create_connection(
            ("127.0.0.1", server.port), timeout=seconds, source_address=(source, 0)
        )
        self.read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends it, or as much of it as the other end still takes."""
        try:
            self.socket.sendall(data)
        except OSError:
            return

    def finish(self) -> None:
        """Says that nothing more will come."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def upgrade(self, widget: Widget) -> Self:
        """Makes a WebSocket of it."""
        self.send(
            f"GET /ws/widget/?key={widget.key} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nOrigin: {self.server.url}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.read:
            self.read += self.socket.recv(4096)
        head, self.read = self.read.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        return self

    def greet(self, widget: Widget) -> Self:
        """A WebSocket that has said hello and read its welcome."""
        self.upgrade(widget).send(frame(TEXT, HELLO))
        opcode, text = self.next_frame()
        assert opcode == TEXT and b'"type":"welcome"' in text, text
        return self

    def next_frame(self) -> tuple[int, bytes]:
        """The next frame of the server's. Raises EOFError where the connection ends, TimeoutError."""
        self._fill(2)
        opcode, length, start = self.read[0] & 15, self.read[1], 2
        if length > 125:
            wide = {126: "!H", 127: "!Q"}[length]
            start += struct.calcsize(wide)
            self._fill(start)
            (length,) = struct.unpack(wide, self.read[2:start])
        self._fill(start + length)
        payload, self.read = self.read[start : start + length], self.read[start + length :]
        return opcode, payload

    def closed(self) -> int:
        """Reads to the server's close frame; its code. Raises EOFError where the connection ended without one."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    def rest(self) -> bytes:
        """All that comes until the server closes the connection."""
        while True:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return self.read
            self.read += more

    def drip(self, data: bytes, pause: float = 0.5) -> bytes:
        """Sends it byte by byte until the server has had enough of it; all that the server said."""
        for number in range(len(data)):
            self.send(data[number : number + 1])
            self.socket.settimeout(pause)
            try:
                more = self.socket.recv(4096)
            except TimeoutError:
                continue
            except ConnectionResetError:
                more = b""
            if not more:
                return self.read
            self.read += more
        return self.read

    def _fill(self, count: int) -> None:
        """Reads until that many bytes are there; none of them is lost where that takes too long."""
        while len(self.read) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.read += more
