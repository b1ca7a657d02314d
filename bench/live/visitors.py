"""Visitors as the load: each says hello, then one message after another, and knows what was acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.live.wire import Wire, connect

PONG = b'{"type":"pong"}'
# As long as what people write to a shop.
BODY = "m{number}x{count} could you tell me when the order that I made on Monday will be here, please?"


class Refused(Exception):
    """A visitor was not let in, or a message of theirs not taken; says why."""


class _Frame(msgspec.Struct):
    type: str
    client_id: str | None = None
    id: int = 0
    token: str | None = None
    user: dict[str, Any] | None = None
    code: str | None = None
    detail: str | None = None


_decode = msgspec.json.Decoder(_Frame).decode


@dataclass
class Tally:
    """What came of it: acknowledged messages and seconds to each `ack` since it was last looked at, refusals by
    code, codes of sockets that the server closed."""

    acks: int = 0
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def take(self) -> list[float]:
        """The seconds since the last look."""
        taken, self.seconds = self.seconds, []
        return taken


class Visitor:
    """One tab of one visitor. `said`: when each message was first sent (perf_counter); `acknowledged`: (client_id,
    id) of each."""

    def __init__(self, number: int, tally: Tally) -> None:
        self.number, self.tally = number, tally
        self.uuid = ""
        self.token: str | None = None
        self.said: list[float] = []
        self.acknowledged: list[tuple[str, int]] = []
        self.on_ack: Callable[[], None] | None = None
        self.wire: Wire | None = None
        self.leaving = False
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def enter(self, url: str, key: str, source: str | None = None) -> float:
        """Connects and says hello. Returns the seconds until the welcome. Raises Refused, NotOpened, OSError."""
        began = time.perf_counter()
        self.wire = await connect(f"{url}/ws/widget/?key={key}", self._text, self._closed, source=source)
        page = {"url": f"{url}/shop/{self.number}", "title": "Shop", "referrer": ""}
        self.send("hello", v=1, token=self.token, page=page, after=0)
        await self.welcomed
        return time.perf_counter() - began

    def send(self, kind: str, **fields: Any) -> None:
        """Sends a frame."""
        assert self.wire is not None
        self.wire.send(msgspec.json.encode({"type": kind, **fields}))

    @property
    def is_waiting(self) -> bool:
        """Whether something that was said isn't acknowledged yet."""
        return len(self.said) > len(self.acknowledged)

    def say(self) -> None:
        """Says the next thing."""
        count = len(self.said) + 1
        key = f"{self.number:08x}-0000-4000-8000-{count:012x}"
        self.said.append(time.perf_counter())
        self.send("message", client_id=key, body=BODY.format(number=self.number, count=count))

    def leave(self) -> None:
        """Closes the tab."""
        self.leaving = True
        if self.wire is not None:
            self.wire.close()

    def _text(self, payload: bytes) -> None:
        frame = _decode(payload)
        if frame.type == "ack":
            assert frame.client_id is not None
            # One after the other, so it is the oldest that waits; with several on their way the server keeps the order.
            self.tally.seconds.append(time.perf_counter() - self.said[len(self.acknowledged)])
            self.tally.acks += 1
            self.acknowledged.append((frame.client_id, frame.id))
            if self.on_ack is not None:
                self.on_ack()
        elif frame.type == "ping":
            assert self.wire is not None
            self.wire.send(PONG)
        elif frame.type == "welcome":
            assert frame.user is not None
            self.uuid, self.token = str(frame.user["id"]), frame.token
            if not self.welcomed.done():
                self.welcomed.set_result(None)
        elif frame.type == "error":
            self.tally.refused.append(frame.code or "")

    def _closed(self, code: int) -> None:
        self.wire = None
        if not self.leaving:
            self.tally.closed.append(code)
        if not self.welcomed.done():
            self.welcomed.set_exception(Refused(f"closed {code} before the welcome"))
            self.welcomed.exception()  # who doesn't wait for it isn't warned


async def crowd(urls: list[str], key: str, count: int, tally: Tally, at_once: int = 20) -> list[Visitor]:
    """So many new visitors, in turns at each address, connected and welcomed. Raises Refused."""
    visitors = [Visitor(number, tally) for number in range(count)]
    waiting = iter(visitors)

    async def come() -> None:
        for visitor in waiting:
            await visitor.enter(urls[visitor.number % len(urls)], key)

    await asyncio.gather(*(come() for _ in range(at_once)))
    return visitors


async def drain(visitors: Iterable[Visitor], seconds: float = 30.0) -> int:
    """Waits until all that was said is acknowledged, `seconds` at most. Returns how many messages still aren't."""
    everyone = list(visitors)
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline and any(visitor.is_waiting for visitor in everyone):
        await asyncio.sleep(0.02)
    return sum(len(visitor.said) - len(visitor.acknowledged) for visitor in everyone)
