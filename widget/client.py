"""A visitor of the public socket, as any other program would be one: connects, says hello, sends, comes back.

Knows nothing but docs/protocol.md: no settings, no database. A message is sent again with the same `client_id` until
it is acknowledged, one at a time, so that all are there once and in order whatever happens to the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

Frame = dict[str, Any]

OPEN_SECONDS = 10.0
# The server pings every 15 s; somebody who hears nothing for this long is alone.
SILENT_SECONDS = 50.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 30.0
TOO_FAST_SECONDS = 1.1
# Close codes after which the same hello would be refused again.
FINAL_CODES = {4400, 4401, 4403, 4413}
FLOOD_CODE = 4429


class Refused(Exception):
    """The server doesn't take it: `code` is a close code or the `code` of an error frame."""

    def __init__(self, code: int | str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


class Forgotten(Exception):
    """The person was erased; token and history mean nothing any more."""


@dataclass(frozen=True)
class Place:
    """Where the socket is: the server's address (`http://127.0.0.1:8000`), the widget's key, and the page's origin
    (default: the server's own)."""

    url: str
    key: str
    origin: str = ""

    @property
    def socket_url(self) -> str:
        """The address of the visitor socket."""
        parts = urlsplit(self.url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return f"{scheme}://{parts.netloc}/ws/widget/?key={quote(self.key)}"


@dataclass
class Counts:
    """What went other than smoothly: connections after the first, messages sent again, `too_fast` answers."""

    reconnected: int = 0
    sent_again: int = 0
    too_fast: int = 0


@dataclass
class _Pending:
    body: str
    acknowledged: asyncio.Future[Frame]
    sent: int = 0


class Visitor:
    """One visitor with one socket. Use it as an async context manager; it stays connected until the block ends.

    `token`: of an earlier visit, or None for somebody new. `after`: the last message id held. `on_frame` is called
    with each frame from the server, messages only once each and in order. After `welcome`, `token` and `user` say
    who it is.
    """

    def __init__(
        self,
        place: Place,
        *,
        token: str | None = None,
        after: int = 0,
        page: dict[str, str] | None = None,
        user_agent: str | None = None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> None:
        self.place, self.token, self.page, self.user_agent = place, token, page or {}, user_agent
        self.user: Frame = {}
        self.counts = Counts()
        self.cursor = after
        self._on_frame = on_frame or (lambda frame: None)
        self._own_ids: set[int] = set()
        self._pending: dict[str, _Pending] = {}
        self._turn = asyncio.Lock()
        self._ready = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._runner.cancel()
        await asyncio.gather(self._runner, return_exceptions=True)

    async def ready(self) -> None:
        """Returns once the whole history is here. Raises Refused, Forgotten."""
        await self._or_end(self._ready.wait())

    async def send(self, body: str, client_id: str | None = None) -> Frame:
        """Says `body`; returns the `ack` frame. Raises Refused (`invalid`, `too_big` or a close code), Forgotten."""
        async with self._turn:
            key = client_id or str(uuid.uuid4())
            pending = _Pending(body, asyncio.get_running_loop().create_future())
            self._pending[key] = pending
            try:
                if self._ready.is_set():
                    await self._send_pending(key, pending)
                return await self._or_end(pending.acknowledged)
            finally:
                del self._pending[key]

    async def frame(self, kind: str, **fields: Any) -> bool:
        """Sends a frame if the socket is open. Returns whether it was."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(msgspec.json.encode({"type": kind, **fields}).decode())
        except ConnectionClosed:
            return False
        return True

    async def cut(self) -> None:
        """Breaks the connection as a bad network does: without a goodbye."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _or_end(self, wanted: Any) -> Any:
        """The result of `wanted`, unless the visitor's own life ends first."""
        assert self._runner is not None
        wish = asyncio.ensure_future(wanted)
        try:
            await asyncio.wait({wish, self._runner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not wish.done():
                wish.cancel()
        if wish.done() and not wish.cancelled():
            return wish.result()
        if not self._runner.cancelled():
            self._runner.result()
        raise Refused("closed")

    async def _run(self) -> None:
        """Connects and comes back until it is cancelled. Raises Refused, Forgotten."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            code: int | None = None
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    self._socket = await self._connect()
                await self._serve(self._socket)
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd is not None else None
            except (OSError, TimeoutError, WebSocketException):
                pass
            finally:
                await self._hang_up()
            if code in FINAL_CODES:
                raise Refused(code)
            if self._ready.is_set():
                pause = FIRST_PAUSE_SECONDS
            self._ready.clear()
            self.counts.reconnected += 1
            await asyncio.sleep(
                LONGEST_PAUSE_SECONDS if code == FLOOD_CODE else pause * (0.5 + random.random())
            )
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _connect(self) -> ClientConnection:
        return await connect(
            self.place.socket_url,
            origin=Origin(self.place.origin or self.place.url.rstrip("/")),
            user_agent_header=self.user_agent,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=2,
            max_size=None,
            proxy=None,
        )

    async def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(Exception):
                await socket.close()

    async def _serve(self, socket: ClientConnection) -> None:
        """Says hello and handles frames until the socket closes."""
        await self._hello()
        while True:
            async with asyncio.timeout(SILENT_SECONDS):
                text = await socket.recv()
            frame = msgspec.json.decode(text)
            handler = getattr(self, f"_got_{frame['type']}", None)
            if handler is not None:
                await handler(frame)
            if frame["type"] not in ("welcome", "message"):
                self._on_frame(frame)

    async def _hello(self) -> None:
        await self.frame("hello", v=1, token=self.token, page=self.page, after=self.cursor)

    async def _got_welcome(self, frame: Frame) -> None:
        if self.token is not None and frame["token"] != self.token:
            self.cursor, self._own_ids = 0, set()  # somebody else now, whose ids begin anew
        self.token, self.user = frame["token"], frame["user"]
        self._on_frame({**frame, "messages": []})
        for message in frame["messages"]:
            self._take(message)
        if frame["more"]:
            await self._hello()
            return
        self._ready.set()
        for key, pending in list(self._pending.items()):
            await self._send_pending(key, pending)

    async def _send_pending(self, key: str, pending: _Pending) -> None:
        if not pending.acknowledged.done():
            self.counts.sent_again += bool(pending.sent)
            pending.sent += 1
            await self.frame("message", client_id=key, body=pending.body)

    async def _got_message(self, frame: Frame) -> None:
        self._take(frame)

    def _take(self, message: Frame) -> None:
        """A message of the history, once. Our own acknowledged ones don't move the cursor: an `ack` may overtake
        an older message of the other side."""
        key = message.get("client_id")
        pending = self._pending.get(key) if key else None
        if pending is not None and not pending.acknowledged.done():
            self._own_ids.add(message["id"])
            pending.acknowledged.set_result(
                {"type": "ack", **{k: message[k] for k in ("client_id", "id", "at")}}
            )
        is_new = message["id"] > self.cursor or self.cursor == 0
        self.cursor = max(self.cursor, message["id"]) if self.cursor else message["id"]
        if is_new and message["id"] not in self._own_ids:
            self._on_frame({"type": "message", **message})

    async def _got_ack(self, frame: Frame) -> None:
        self._own_ids.add(frame["id"])
        pending = self._pending.get(frame["client_id"])
        if pending is not None and not pending.acknowledged.done():
            pending.acknowledged.set_result(frame)

    async def _got_error(self, frame: Frame) -> None:
        pending = self._pending.get(frame.get("client_id") or "")
        if pending is None or pending.acknowledged.done():
            return
        if frame["code"] == "too_fast":
            self.counts.too_fast += 1
            await asyncio.sleep(TOO_FAST_SECONDS)
            await self._send_pending(frame["client_id"], pending)
        else:
            pending.acknowledged.set_exception(Refused(frame["code"], frame.get("detail", "")))

    async def _got_ping(self, frame: Frame) -> None:
        await self.frame("pong")

    async def _got_forget(self, frame: Frame) -> None:
        raise Forgotten
