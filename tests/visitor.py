"""A visitor's end of the public socket, for tests: sends frames, waits for those it is told to expect."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection
from typing import Any, Self

from websockets.sync.client import connect

from tests.sockets import PATIENCE_SECONDS, close_code


class Visitor:
    """One tab. `token` and `last` are kept across reconnects, as the widget does."""

    def __init__(
        self, url: str, key: str, *, origin: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.address = f"{url.replace('http', 'ws', 1)}/ws/widget/?key={key}"
        self.origin = origin if origin is not None else url
        self.headers = headers or {}
        self.token: str | None = None
        self.user: dict[str, Any] = {}
        self.last = 0
        self.messages: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Self:
        """Connects; says nothing yet."""
        self.socket = connect(
            self.address,
            origin=self.origin or None,  # type: ignore[arg-type]
            additional_headers=self.headers,
            open_timeout=PATIENCE_SECONDS,
            max_size=None,
            max_queue=None,  # with a full one, closing takes ten seconds
            legacy=True,
        )
        return self

    def close(self) -> None:
        """Closes the tab."""
        self.socket.close()

    def send(self, kind: str, **fields: Any) -> None:
        """Sends a frame."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def raw(self, data: str | bytes) -> None:
        """Sends what may be no frame."""
        self.socket.send(data)

    def hello(self, **fields: Any) -> dict[str, Any]:
        """Says hello and returns the welcome."""
        page = {"url": "http://site.example/", "title": "Home", "referrer": ""}
        self.send("hello", **{"v": 1, "token": self.token, "page": page, "after": self.last, **fields})
        welcome = self.expect("welcome")
        self.token, self.user = welcome["token"], welcome["user"]
        for message in welcome["messages"]:
            self._keep(message)
        return welcome

    def say(self, body: str, client_id: str | None = None) -> dict[str, Any]:
        """Sends a message and returns its ack."""
        client_id = client_id or str(uuid.uuid4())
        self.send("message", client_id=client_id, body=body)
        ack = self.expect("ack")
        assert ack["client_id"] == client_id
        self.last = max(self.last, ack["id"])
        return ack

    def expect(self, kind: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next frame of that type; others before it are let pass. Raises TimeoutError, ConnectionClosed."""
        return self.expect_any(kind, seconds=seconds)

    def expect_any(self, *kinds: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next frame of one of those types."""
        deadline = time.monotonic() + seconds
        while True:
            frame: dict[str, Any] = json.loads(
                self.socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            )
            if frame["type"] == "message":
                self._keep(frame)
            if frame["type"] in kinds:
                return frame
            if frame["type"] == "ping":
                self.send("pong")

    def error(self) -> dict[str, Any]:
        """The next error frame."""
        return self.expect("error")

    def closed(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Waits for the server to close. Returns its close code. Raises TimeoutError where it doesn't."""
        return close_code(self.socket, seconds)

    def silent(self, seconds: float = 0.4, *, but: Collection[str] = ("ping", "settings")) -> bool:
        """Whether no frame but those comes for that long. Of staff who come and go each tab is told `settings`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                frame = json.loads(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            except TimeoutError:
                return True
            if frame["type"] not in but:
                print("heard", frame)  # shown where the test fails
                return False

    def _keep(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.last = max(self.last, message["id"])
