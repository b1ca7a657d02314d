"""A page that reads nothing holds a bounded amount of memory and nobody up, and repairs itself once it reads again."""

from __future__ import annotations

import base64
import json
import socket
import struct
import time
from typing import Self

import pytest

from chatadmin.lib.bus import Event, announce
from conversations.models import BODY_CHARS, Message
from live.consumers import StaffSocket
from live.hub import EVERYONE, StaffHub
from tests.factories import make_messages, make_person
from tests.live.conftest import Inside
from tests.staff_http import StaffBrowser
from users.models import ChatUser

LINES = 20


class Stuck:
    """A page's end of the socket that reads only when it is told to, and has little room for what it doesn't read."""

    def __init__(self, browser: StaffBrowser) -> None:
        url = browser.server.url
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", browser.server.port))
        key = base64.b64encode(b"0123456789abcdef").decode()
        head = f"GET /ws/staff/ HTTP/1.1\r\nHost: {url[7:]}\r\nOrigin: {url}\r\nCookie: {browser.cookies}\r\n"
        head += f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        self.socket.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 ")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: str, **fields: object) -> None:
        data = json.dumps({"type": kind, **fields}).encode()
        self.socket.sendall(b"\x81" + struct.pack("!BH", 0x80 | 126, len(data)) + bytes(4) + data)

    def read(self) -> str:
        """The next frame."""
        length = self._take(2)[1]
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return self._take(length).decode()

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the server closed"
            data += more
        return data


def repeat(person: ChatUser, messages: list[Message]) -> None:
    """Has everything that open pages show of these messages drawn anew."""
    data = {"side": "staff", "first": messages[0].pk, "up_to": messages[-1].pk, "at": "2026-03-02T09:00:00Z"}
    announce(Event("message.read", str(person.uuid), data))


def waiting(inside: Inside) -> list[StaffSocket]:
    """The server's ends of the pages that are connected."""
    return inside.run(lambda: StaffHub.current().of(EVERYONE))


@pytest.fixture
def person(inside: Inside) -> ChatUser:
    return make_person("Ada")


def test_a_page_that_reads_nothing_is_bounded_and_told_once(
    inside: Inside, sam_inside: StaffBrowser, person: ChatUser
) -> None:
    user = str(person.uuid)
    messages = make_messages(person, *[("visitor", "line")] * 150)
    with Stuck(sam_inside) as stuck, sam_inside.live() as other:
        stuck.send("watch", open=user, timeline=False, last=messages[-1].pk)
        other.watch(open=user, timeline=False, last=messages[-1].pk)
        deadline = time.monotonic() + 60
        while not any(page.behind for page in waiting(inside)):
            assert time.monotonic() < deadline, "it took everything"
            repeat(person, messages)
            started = time.monotonic()
            other.expect("data-read-mark")
            assert time.monotonic() - started < 5, "others wait for it"
            assert all(page._waiting_bytes < 2 * StaffSocket.queue_bytes for page in waiting(inside))
        late = make_messages(person, *[("visitor", "🙂" * BODY_CHARS)] * LINES)
        for _ in range(5):
            repeat(person, messages)
            other.expect("data-read-mark")
        (slow,) = [page for page in waiting(inside) if page.behind]
        assert slow._queue.qsize() <= 1, "nothing waits but the word that it is behind"
        frames = [stuck.read()]
        while "lagged" not in frames[-1]:
            frames.append(stuck.read())
        stuck.send("watch", open=user, timeline=False, last=messages[-1].pk)
        state = stuck.read()
        while "[data-user='" not in state:
            assert "lagged" not in state, "told twice"
            state = stuck.read()
        assert all(f'data-message="{message.pk}"' in state for message in late)
        assert not slow.behind
        repeat(person, messages)
        while "data-read-mark" not in (told := stuck.read()):
            assert "lagged" not in told
