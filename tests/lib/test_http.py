"""Half a body, and an answer that nobody reads: both end, and slow ones that go on don't."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn

from chatadmin.lib import http
from chatadmin.lib.http import PunctualHttp

PIECE, PIECES = b"x" * 64 * 1024, 400
POST = b"POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n"
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """`/echo` gives the body back, `/big` much, `/early` a beginning before it has the body."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]}
    if scope["path"] == "/big":
        await send(start)
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
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
