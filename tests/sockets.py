"""What both ends of the tests' sockets wait for."""

from __future__ import annotations

import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

PATIENCE_SECONDS = 15.0


def close_code(socket: ClientConnection, seconds: float) -> int:
    """Reads until the server closes. Returns its close code, 1006 where there was none. Raises TimeoutError where it
    doesn't close."""
    deadline = time.monotonic() + seconds
    try:
        while True:
            socket.recv(timeout=max(0.0, deadline - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
