"""What both ends of the tests' sockets wait for."""

from __future__ import annotations

import time

from playwright.sync_api import Page
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

PATIENCE_SECONDS = 15.0


class Frames:
    """What a browser's page is told by socket, from before it opens one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: list[str] = []
        page.on("websocket", lambda opened: opened.on("framereceived", self._take))

    def _take(self, payload: str | bytes) -> None:
        self.texts.append(str(payload))

    def wait_for(self, part: str) -> None:
        """Until one has come that holds `part`. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(part in text for text in self.texts):
            assert time.monotonic() < deadline, f"{len(self.texts)} frames, none with {part}"
            self.page.wait_for_timeout(20)


def close_code(socket: ClientConnection, seconds: float) -> int:
    """Reads until the server closes. Returns its close code, 1006 where there was none. Raises TimeoutError where it
    doesn't close."""
    deadline = time.monotonic() + seconds
    try:
        while True:
            socket.recv(timeout=max(0.0, deadline - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
