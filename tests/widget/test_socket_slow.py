"""Those who say half of something, or say it so slowly that it never ends: each is let go, and costs others nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from staff.models import Widget
from tests.server import Server
from tests.visitor import Visitor
from tests.widget.raw import BINARY, CONTINUED, HELLO, PING, PONG, TEXT, Raw, frame
from users.models import ChatUser, Visit

Open = Callable[..., Visitor]
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"a" * 200


def test_who_says_nothing_or_half_a_request_is_let_go(server: Server, visit: Open) -> None:
    """All at once, for each takes the ten seconds that a request's head may take."""
    with Raw(server) as silent, Raw(server) as half, Raw(server) as dripping, Raw(server) as second:
        half.send(HEAD[:40])
        second.send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not second.read.endswith(b"ok"):
            second.read += second.socket.recv(4096)
        answered = len(second.read)
        with ThreadPoolExecutor(4) as threads:
            dripped = threads.submit(dripping.drip, HEAD)
            again = threads.submit(second.drip, HEAD)
            waited = threads.submit(silent.rest)
            tab = visit()
            tab.hello()
            assert tab.say("meanwhile")["id"]
            assert waited.result() == b""
            assert half.rest().startswith(b"HTTP/1.1 408 ")
            assert dripped.result().startswith(b"HTTP/1.1 408 ")
            assert again.result()[answered:].startswith(b"HTTP/1.1 408 ")


def test_a_head_without_end_is_refused(server: Server) -> None:
    with Raw(server) as endless:
        endless.send(b"GET / HTTP/1.1\r\nX-Long: ")
        for _ in range(80):
            endless.send(b"a" * 1024)
        assert endless.rest().startswith(b"HTTP/1.1 431 ")


def test_a_request_whose_body_takes_its_time_is_served(server: Server) -> None:
    body = b"login=nobody%40team.example&password=wrong"
    head = f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with Raw(server) as slow:
        slow.send(head.encode())
        slow.drip(body[:24])
        slow.send(body[24:])
        slow.socket.settimeout(20)
        assert b" 403 " in slow.socket.recv(65536).split(b"\r\n")[0]


def test_a_hello_that_drips_is_no_hello(server: Server, widget: Widget) -> None:
    with Raw(server) as slow:
        slow.upgrade(widget)
        said = slow.drip(frame(TEXT, HELLO))
        assert said[0] == 0x88 and int.from_bytes(said[2:4], "big") == 4400
    assert not ChatUser.objects.exists()


def test_a_message_that_drips_is_silence_and_an_end_that_is_lost_is_no_goodbye(
    server: Server, widget: Widget
) -> None:
    """A frame of which a byte comes now and then; and a peer that is there no more, of which nothing does."""
    with Raw(server, seconds=60) as gone, Raw(server, seconds=60) as slow:
        gone.greet(widget)
        slow.greet(widget)
        begun = timezone.now()
        with ThreadPoolExecutor(1) as threads:
            dripped = threads.submit(slow.drip, frame(TEXT, b'{"type":"ping"}' * 8), 1.0)
            assert gone.closed() == 4408
            assert b"\x11\x38silent" in dripped.result()
        assert (timezone.now() - begun).total_seconds() < 60
    assert not Visit.objects.filter(how_ended="left").exists()


@pytest.mark.parametrize(
    "flood",
    [
        frame(PING, b"x" * 100),
        frame(PONG),
        frame(TEXT, b"{", final=False) + frame(CONTINUED, b"", final=False) * 10_000,
        frame(BINARY, b"", final=False) + frame(CONTINUED, b"x", final=False) * 10_000,
    ],
    ids=["pings", "pongs", "empty fragments", "small fragments"],
)
def test_a_flood_below_the_frames_is_closed_with_4429(
    server: Server, widget: Widget, visit: Open, flood: bytes
) -> None:
    tab = visit()
    tab.hello()
    with Raw(server) as flooding:
        flooding.greet(widget)
        flooding.send(flood * (1 if len(flood) > 1000 else 10_000))
        assert flooding.closed() == 4429
        assert tab.say("meanwhile")["id"]


def test_a_message_in_a_few_fragments_and_a_ping_between_them_is_a_message(
    server: Server, widget: Widget
) -> None:
    with Raw(server) as tab:
        tab.greet(widget)
        tab.send(frame(TEXT, b'{"type"', final=False) + frame(PING, b"now") + frame(CONTINUED, b':"ping"}'))
        said = [tab.next_frame(), tab.next_frame()]
        assert (PONG, b"now") in said and (TEXT, b'{"type":"pong"}') in said


def test_fragments_over_64_kib_are_too_big_together(server: Server, widget: Widget) -> None:
    with Raw(server) as tab:
        tab.greet(widget)
        tab.send(frame(TEXT, b"x" * 8192, final=False))
        for _ in range(8):
            tab.send(frame(CONTINUED, b"x" * 8192, final=False))
        assert tab.closed() == 1009
