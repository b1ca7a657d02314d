"""A socket of ours over plain ASGI: frames in order, a ping by the clock, a goodbye that always comes to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import socket as module
from chatadmin.lib.socket import Closing, Socket, refuse
from tests.lib.test_bus import until


class Peer:
    """The server's side of ASGI: what it hands in, and what it was sent."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: list[dict[str, Any]] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.gone = False

    def say(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})

    def hang_up(self) -> None:
        self.gone = True
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        if self.gone:
            raise OSError("gone")
        self.sent.append(message)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]

    @property
    def code(self) -> int | None:
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)


class Echo(Socket):
    """Says everything back; closes at `bye`, fails at `fail`, and is slow at `slow`."""

    ended = 0
    slow_done = False

    async def received(self, text: str | None, binary: bytes | None) -> None:
        if text == "bye":
            self.push("last words")
            raise Closing(4400, "as asked")
        if text == "fail":
            raise ValueError("ann@example.com")
        if text == "slow":
            await asyncio.sleep(0.05)
            self.slow_done = True
        self.push(text or "binary")

    async def closed(self) -> None:
        self.ended += 1

    def ping(self) -> str:
        return "ping"


def serve(scenario: Callable[[Echo, Peer], Coroutine[Any, Any, None]], **fields: Any) -> tuple[Echo, Peer]:
    """Runs a socket beside `scenario` until it ends by itself."""

    async def body() -> tuple[Echo, Peer]:
        peer = Peer()
        scope = {"headers": [(b"origin", b"http://site.example"), (b"x-odd", b"\xff")]}
        echo = Echo(scope, peer.incoming.get, peer.send)
        for name, value in fields.items():
            setattr(echo, name, value)
        async with asyncio.timeout(5):
            await asyncio.gather(echo.run(), scenario(echo, peer))
        return echo, peer

    return asyncio.run(body())


def test_frames_are_answered_in_order_and_the_end_is_told_once():
    async def scenario(echo: Echo, peer: Peer) -> None:
        for number in range(20):
            peer.say(str(number))
        await until(lambda: len(peer.texts) == 20)
        peer.hang_up()

    echo, peer = serve(scenario)
    assert peer.sent[0] == {"type": "websocket.accept"}
    assert peer.texts == [str(number) for number in range(20)]
    assert (peer.code, echo.ended) == (None, 1)


def test_what_was_said_before_the_close_is_sent_before_it():
    async def scenario(echo: Echo, peer: Peer) -> None:
        peer.say("bye")
        peer.say("never read")

    echo, peer = serve(scenario)
    assert [message["type"] for message in peer.sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert (peer.texts, peer.code, echo.ended) == (["last words"], 4400, 1)


def test_closing_from_outside():
    async def scenario(echo: Echo, peer: Peer) -> None:
        await until(lambda: peer.sent)
        echo.push("news")
        echo.close(Closing(1012))
        echo.close(Closing(4400))

    echo, peer = serve(scenario)
    assert (peer.texts, peer.code, echo.ended) == (["news"], 1012, 1)


def test_a_failure_closes_and_its_words_are_not_logged():
    async def scenario(echo: Echo, peer: Peer) -> None:
        peer.say("fail")

    with capture_logs() as logs:
        echo, peer = serve(scenario)
    assert (peer.code, echo.ended) == (1011, 1)
    assert [(line["event"], line["error"]) for line in logs] == [("socket.failed", "ValueError")]


def test_who_is_silent_is_closed():
    async def scenario(echo: Echo, peer: Peer) -> None:
        peer.say("a")

    echo, peer = serve(scenario, patience_seconds=0.05)
    assert (peer.texts, peer.code, echo.ended) == (["a"], 4408, 1)


def test_a_listener_to_whom_much_is_said_is_pinged_all_the_same():
    async def scenario(echo: Echo, peer: Peer) -> None:
        while peer.texts.count("ping") < 3:
            echo.push("news")
            await asyncio.sleep(0.002)
        peer.hang_up()

    _, peer = serve(scenario, ping_seconds=0.02)
    assert peer.texts.count("news") > peer.texts.count("ping") >= 3


def test_an_idle_socket_is_pinged():
    async def scenario(echo: Echo, peer: Peer) -> None:
        await until(lambda: peer.texts == ["ping", "ping"])
        peer.hang_up()

    serve(scenario, ping_seconds=0.01)


def test_a_peer_that_reads_nothing_is_closed_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.05)

    async def scenario(echo: Echo, peer: Peer) -> None:
        await until(lambda: peer.sent)
        peer.reading.clear()
        for number in range(echo.queue_frames + 2):
            echo.push(str(number))

    echo, peer = serve(scenario)
    assert (echo.ended, peer.texts) == (1, [])


def test_what_waits_is_bounded_by_bytes_too():
    class Patient(Echo):
        lags = 0

        def lagged(self) -> None:
            self.lags += 1

    async def body() -> None:
        peer = Peer()
        socket = Patient({"headers": []}, peer.incoming.get, peer.send)
        served = asyncio.create_task(socket.run())
        await until(lambda: peer.sent)
        peer.reading.clear()
        socket.push("in the writer's hands")
        await asyncio.sleep(0.01)
        socket.push("x" * 10 * socket.queue_bytes)
        assert socket.lags == 0, "one frame is taken however large: it may be all that a page shows"
        socket.push("lost")
        assert socket.lags == 1
        socket.drop_queue()
        for _ in range(3):
            socket.push("é" * (socket.queue_bytes // 8))
        assert socket.lags == 2, "each may take four bytes"
        peer.reading.set()
        await until(lambda: len(peer.texts) == 3)
        socket.push("heard")
        await until(lambda: peer.texts[-1] == "heard")
        assert socket.lags == 2
        peer.hang_up()
        await served

    asyncio.run(body())


def test_a_peer_that_hung_up_while_we_worked_gets_its_end_told():
    async def scenario(echo: Echo, peer: Peer) -> None:
        await until(lambda: peer.sent)
        peer.say("slow")
        await asyncio.sleep(0.01)
        peer.gone = True
        echo.push("into the void")
        await asyncio.sleep(0.01)
        assert not echo.slow_done
        peer.hang_up()

    echo, _ = serve(scenario)
    assert echo.slow_done
    assert echo.ended == 1


def test_forgotten_frames_are_not_sent():
    async def scenario(echo: Echo, peer: Peer) -> None:
        await until(lambda: peer.sent)
        echo.push("secret")
        echo.drop_queue()
        echo.push("forget")
        echo.close(Closing(1000))

    _, peer = serve(scenario)
    assert (peer.texts, peer.code) == (["forget"], 1000)


def test_headers_are_read_by_name():
    async def body() -> Echo:
        peer = Peer()
        return Echo(
            {"headers": [(b"origin", b"http://a"), (b"x-odd", b"\xff")]}, peer.incoming.get, peer.send
        )

    echo = asyncio.run(body())
    assert (echo.header(b"origin"), echo.header(b"x-odd"), echo.header(b"cookie")) == ("http://a", "ÿ", "")


def test_an_address_without_a_socket_is_refused():
    async def body() -> Peer:
        peer = Peer()
        await refuse({}, peer.incoming.get, peer.send)
        return peer

    assert asyncio.run(body()).sent == [{"type": "websocket.close", "code": 4404}]
