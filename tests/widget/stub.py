"""A server that speaks just enough of the visitor socket's protocol, and remembers what it heard."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from widget.client import Place

Answer = Callable[["Stub", ServerConnection, dict[str, Any]], Awaitable[None]]


class Stub:
    """`answer` is called with each frame; without one each message is acknowledged and answered."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.frames: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.tokens: list[str | None] = []
        self.close_codes: list[int | None] = []
        self.open_sockets = 0
        self.last_id = 0
        self.answer = answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Place]:
        async with serve(self.talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            yield Place(f"http://127.0.0.1:{port}", "the key")

    async def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.headers.append(dict(socket.request.headers.raw_items()))
        self.open_sockets += 1
        try:
            async for text in socket:
                frame = json.loads(text)
                self.frames.append(frame)
                await (self.answer or Stub.answered)(self, socket, frame)
        finally:
            self.open_sockets -= 1
            self.close_codes.append(socket.close_code)

    async def answered(self, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "hello":
            self.tokens.append(frame["token"])
            token = frame["token"] or uuid.uuid4().hex
            user = {"id": str(uuid.uuid4()), "name": None, "email": None, "verified": False}
            await self.tell(socket, "welcome", token=token, user=user, messages=[], more=False, unread=0)
        elif frame["type"] == "message":
            self.last_id += 1
            await self.tell(socket, "ack", client_id=frame["client_id"], id=self.last_id, at="")
            self.last_id += 1
            await self.tell(socket, "message", **{"id": self.last_id, "from": "staff", "body": "Hello!"})

    async def tell(self, socket: ServerConnection, kind: str, **fields: Any) -> None:
        await socket.send(json.dumps({"type": kind, **fields}))

    def kinds(self) -> Counter[str]:
        return Counter(frame["type"] for frame in self.frames)
