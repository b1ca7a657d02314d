"""Half a body, and an answer that nobody reads: both end, and slow ones that go on don't."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
import uvloop

from chatadmin.lib import http
from chatadmin.lib.http import PunctualHttp

PIECE, PIECES = b"x" * 64 * 1024, 400
SMALL = b"x" * 60 * 1024
POST = b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n"
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """`/echo` gives the body back, `/big` much, `/early` a beginning before it has the body; `/small` less than waits
    for a peer before writing pauses, `/kept` the same and keeps the connection, `/broken` the same and fails."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]}
    if scope["path"] == "/big":
        await send(start)
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if scope["path"] in {"/small", "/kept", "/broken"}:
        headers = [] if scope["path"] == "/kept" else start["headers"]
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": SMALL, "more_body": True})
        if scope["path"] == "/broken":
            raise ValueError
        await send({"type": "http.response.body"})
        return
    if scope["path"] == "/early":
        await send(start)
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/echo":
        await send(start)
    await send({"type": "http.response.body", "body": body})


class Narrow(PunctualHttp):
    """The same on a connection for which the system holds a few KB."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        super().connection_made(transport)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[Callable[[], Any]]:
    """A server of that application; gives the function that connects to it."""
    config = uvicorn.Config(application, port=0, http=PunctualHttp, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port)
    finally:
        server.should_exit = True
        await serving


async def said(peer: Peer) -> bytes:
    """All that it still says."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(peer[0].read(), 10)
    return b""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(http, "UNREAD_SECONDS", 0.4)


@pytest.mark.parametrize(("path", "begins"), [(b"/echo", b"HTTP/1.1 408 "), (b"/early", b"HTTP/1.1 200 ")])
def test_half_a_body_is_let_go(path: bytes, begins: bytes):
    async def run() -> bytes:
        async with served() as connect:
            peer = await connect()
            peer[1].write(POST.replace(b"/echo", path) + b"half")
            answer = await said(peer)
            peer[1].close()
            return answer

    answer = asyncio.run(run())
    assert answer.startswith(begins)
    assert b"half" not in answer


def test_a_body_that_takes_its_time_is_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "BODY_SECONDS", 2.0)

    async def run() -> bytes:
        async with served() as connect:
            peer = await connect()
            peer[1].write(POST)
            for byte in b"0123456789":
                peer[1].write(bytes([byte]))
                await asyncio.sleep(0.03)
            answer = await said(peer)
            peer[1].close()
            return answer

    assert b"\r\n0123456789\r\n" in asyncio.run(run())


async def read_on(peer: Peer, pieces: int, pause: float) -> int:
    """How many bytes of `/big` come, where the peer pauses between its first reads."""
    peer[1].write(b"GET /big HTTP/1.1\r\nHost: here\r\n\r\n")
    count = 0
    for _ in range(pieces):
        await asyncio.sleep(pause)
        count += len(await peer[0].read(len(PIECE)))
    count += len(await said(peer))
    peer[1].close()
    return count


def test_an_answer_that_nobody_reads_ends_and_one_that_is_read_slowly_does_not():
    async def run() -> list[int]:
        async with served() as connect:
            peers = [await connect(), await connect()]
            return list(await asyncio.gather(read_on(peers[0], 1, 1.5), read_on(peers[1], 100, 0.03)))

    stuck, slow = asyncio.run(run())
    assert stuck < len(PIECE) * PIECES
    assert slow > len(PIECE) * PIECES


@contextlib.asynccontextmanager
async def narrow() -> AsyncIterator[tuple[uvicorn.Server, Callable[[bytes], Any]]]:
    """A server that waits for its peers below the mark where writing pauses; the function that asks it for a path."""
    config = uvicorn.Config(application, port=0, http=Narrow, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()

    async def ask(path: bytes) -> socket.socket:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, address)
        await asyncio.get_running_loop().sock_sendall(
            peer, b"GET " + path + b" HTTP/1.1\r\nHost: here\r\n\r\n"
        )
        return peer

    try:
        yield server, ask
    finally:
        server.should_exit = True
        await serving


async def taken(peer: socket.socket, pause: float) -> int:
    """How many bytes there are for whoever pauses before each read."""
    count, loop = 0, asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError, TimeoutError):
        while True:
            await asyncio.sleep(pause)
            data = await asyncio.wait_for(loop.sock_recv(peer, 2048), 1)
            if not data:
                break
            count += len(data)
    peer.close()
    return count


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("path", [b"/small", b"/kept", b"/broken"])
def test_the_rest_of_an_answer_that_nobody_takes_is_let_go(path: bytes, new_loop: Callable[[], Any]):
    async def run() -> tuple[bool, int]:
        async with narrow() as (server, ask):
            peer = await ask(path)
            await asyncio.sleep(0.2)
            (held,) = server.server_state.connections
            assert 0 < held.transport.get_write_buffer_size() < 64 * 1024  # type: ignore[union-attr]
            await asyncio.sleep(1)
            return not server.server_state.connections, await taken(peer, 0)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        let_go, count = runner.run(run())
    assert let_go
    assert count < len(SMALL)


@pytest.mark.parametrize("path", [b"/small", b"/kept"])
def test_the_rest_of_one_that_is_taken_slowly_is_not(path: bytes):
    async def run() -> int:
        async with narrow() as (_, ask):
            return await taken(await ask(path), 0.05)

    assert asyncio.run(run()) > len(SMALL)


def test_one_who_asks_again_has_as_long_for_the_next_answer():
    """What waits then is more than waited when the first was given, though all of the first was taken."""

    async def run() -> int:
        async with narrow() as (_, ask):
            peer, loop = await ask(b"/kept"), asyncio.get_running_loop()
            await asyncio.sleep(0.1)
            count = 0
            while count < len(SMALL):
                count += len(await loop.sock_recv(peer, 2**20))
            await asyncio.sleep(0.2)
            await loop.sock_sendall(peer, b"GET /small HTTP/1.1\r\nHost: here\r\n\r\n")
            await asyncio.sleep(0.3)
            return count + await taken(peer, 0)

    assert asyncio.run(run()) > 2 * len(SMALL)
