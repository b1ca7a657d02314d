"""bench/live/wire.py: frames as they are on the wire, however they are cut up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.live.wire import NotOpened, Wire, connect, frame, hang_up


def against(handler: Callable[[ServerConnection], Any], what: Callable[[str], Any]) -> Any:
    """What comes of `what`, given the address of a real WebSocket server."""

    async def main() -> Any:
        async with serve(handler, "127.0.0.1", 0, compression=None) as server, asyncio.timeout(20):
            port = server.sockets[0].getsockname()[1]
            try:
                return await what(f"http://127.0.0.1:{port}/ws/?key=k")
            finally:
                await hang_up()

    return asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_what_is_sent_comes_back(size: int) -> None:
    async def echo(socket: ServerConnection) -> None:
        async for text in socket:
            await socket.send(text)

    async def what(url: str) -> bytes:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        wire = await connect(url, heard.put_nowait)
        wire.send(b"x" * size)
        wire.send(b"end")
        first = await heard.get()
        assert await heard.get() == b"end"
        wire.close()
        return first

    assert against(echo, what) == b"x" * size


def server_frames(*payloads: bytes) -> bytes:
    """As a server sends them: without a mask."""
    made = b""
    for payload in payloads:
        size = len(payload)
        head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2, "big")
        made += head + payload
    return made


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 10_000])
def test_frames_are_found_wherever_the_network_cuts(step: int) -> None:
    async def main() -> list[bytes]:
        heard: list[bytes] = []
        wire = Wire(heard.append)
        data = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n" + server_frames(
            b"one", b"y" * 300, b"", b"four"
        )
        for at in range(0, len(data), step):
            wire.data_received(data[at : at + step])
        assert wire.handshake.done()
        return heard

    assert asyncio.run(main()) == [b"one", b"y" * 300, b"", b"four"]


def test_a_ping_is_answered_and_the_close_code_is_told() -> None:
    ponged: list[float] = []

    async def closing(socket: ServerConnection) -> None:
        ponged.append(await (await socket.ping()))
        await socket.close(4403, "no")

    async def what(url: str) -> int:
        code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await connect(url, lambda text: None, code.set_result)
        return await code

    assert against(closing, what) == 4403
    assert len(ponged) == 1


def test_a_lost_connection_is_1006() -> None:
    async def dropping(socket: ServerConnection) -> None:
        socket.transport.abort()

    async def what(url: str) -> int:
        code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await connect(url, lambda text: None, code.set_result)
        return await code

    assert against(dropping, what) == 1006


def test_who_is_not_let_in_is_told_why() -> None:
    async def main() -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(NotOpened, match="403 Forbidden"):
                await connect(f"http://127.0.0.1:{port}/ws/", lambda text: None)

    asyncio.run(main())


def test_a_client_frame_is_masked_as_the_protocol_asks() -> None:
    assert frame(b"hi") == b"\x81\x82\0\0\0\0hi"
