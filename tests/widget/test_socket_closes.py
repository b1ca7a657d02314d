"""Each close code, and what causes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from staff.models import Role, Widget
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from tests.widget.raw import CONTINUED, TEXT, Raw, frame
from tests.widget.signing import signed
from users.models import ChatUser

Open = Callable[..., Visitor]


@pytest.mark.parametrize(
    "first",
    [
        '{"type": "typing", "on": true}',
        '{"type": "hello", "v": 2}',
        '{"type": "hello"}',
        "nonsense",
        "[]",
        b"binary",
    ],
)
def test_4400_where_the_first_frame_is_no_valid_hello(visit: Open, first: str | bytes) -> None:
    tab = visit()
    tab.raw(first)
    assert tab.closed() == 4400
    assert not ChatUser.objects.exists()


def test_4400_where_no_hello_comes_within_ten_seconds(visit: Open) -> None:
    assert visit().closed(seconds=14) == 4400


@pytest.mark.parametrize("hash_", ["", "00", None, 7, "é", "x" * 64])
def test_4401_for_a_wrong_hash(visit: Open, widget: Widget, hash_: object) -> None:
    tab = visit()
    tab.send("hello", v=1, identity={"external_id": "customer-7", "hash": hash_})
    assert tab.error()["code"] == "identity"
    assert tab.closed() == 4401
    assert not ChatUser.objects.exists()


def test_4401_for_a_missing_hash_and_on_identify(visit: Open) -> None:
    tab = visit()
    tab.hello()
    tab.send("identify", identity={"external_id": "customer-7"})
    assert tab.error()["code"] == "identity"
    assert tab.closed() == 4401


def test_4401_for_an_expired_identity_and_none_before(visit: Open, widget: Widget) -> None:
    now = int(timezone.now().timestamp())
    good = visit()
    good.hello(identity=signed(widget, "customer-7", expires=now + 600))
    late = visit()
    late.send("hello", v=1, identity=signed(widget, "customer-7", expires=now - 5))
    assert late.error()["code"] == "identity"
    assert late.closed() == 4401


def test_4401_where_the_widget_requires_an_identity(visit: Open, widget: Widget) -> None:
    Widget.objects.filter(pk=widget.pk).update(require_identity=True)
    tab = visit()
    tab.send("hello", v=1, token=None)
    assert tab.error()["code"] == "identity"
    assert tab.closed() == 4401
    visit().hello(identity=signed(widget, "customer-7"))


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://site.example.evil.example"]
)
def test_4403_for_another_origin(visit: Open, origin: str) -> None:
    assert visit(origin=origin).closed() == 4403


def test_4403_without_an_origin(visit: Open) -> None:
    assert visit(origin="").closed() == 4403


def test_an_allowed_origin_is_let_in(visit: Open) -> None:
    visit(origin="http://site.example").hello()


@pytest.mark.parametrize("key", ["", "nobody", "%00", "%F0%9F%8E%89" * 30])
def test_4403_for_an_unknown_key(server: Server, key: str) -> None:
    with Visitor(server.url, key) as tab:
        assert tab.closed() == 4403


def test_4403_for_a_blocked_person_at_once_and_on_return(visit: Open, server: Server) -> None:
    tab = visit()
    tab.hello()
    dana = StaffBrowser(server, make_account("dana@team.example", Role.ADMIN))
    status, _ = dana.post(f"/users/{tab.user['id']}/block/", blocked="yes")
    assert status in (200, 302)
    assert tab.closed() == 4403
    again = visit()
    again.send("hello", v=1, token=tab.token)
    assert again.closed() == 4403


def test_4408_where_nothing_is_heard_for_45_seconds(visit: Open) -> None:
    tab = visit()
    tab.hello()
    assert tab.closed(seconds=60) == 4408


def test_4413_for_a_frame_over_16_kib_and_none_at_it(visit: Open) -> None:
    tab = visit()
    tab.hello()
    room = 16 * 1024 - len('{"type": "ping", "x": ""}')
    tab.raw('{"type": "ping", "x": "' + "x" * room + '"}')
    tab.expect("pong")
    tab.raw('{"type": "ping", "x": "' + "x" * (room + 1) + '"}')
    assert tab.closed() == 4413


def test_1009_for_a_frame_over_64_kib(visit: Open) -> None:
    tab = visit()
    tab.hello()
    tab.raw("x" * (65 * 1024))
    assert tab.closed() == 1009


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"\xc3\x28"),
        # Good pieces that make bad text, and the first half of a letter.
        frame(TEXT, b"a\xc3", final=False) + frame(CONTINUED, b"("),
        frame(TEXT, b"\xf0\x9f", final=False) + frame(CONTINUED, b"\x99"),
    ],
)
def test_1007_for_text_that_is_not_utf_8_and_no_word_in_the_log(
    server: Server, widget: Widget, data: bytes
) -> None:
    said = server.log.stat().st_size
    with Raw(server) as line:
        line.greet(widget)
        line.send(frame(TEXT, b'{"type":"pi', final=False) + frame(CONTINUED, b'ng","x":"\xc3', final=False))
        line.send(frame(CONTINUED, b'\xa9"}'))
        assert line.next_frame()[1] == b'{"type":"pong"}'
        line.send(data)
        assert line.closed() == 1007
        line.finish()
        line.rest()
    assert server.log.read_bytes()[said:] == b""


def test_4429_for_a_flood_of_refused_frames(visit: Open) -> None:
    tab = visit()
    tab.hello()
    for _ in range(60):
        try:
            tab.raw("nonsense")
        except ConnectionClosed:
            break
    assert tab.closed() == 4429


def test_4429_for_the_thirteenth_socket_of_one_visitor(visit: Open) -> None:
    first = visit()
    first.hello()
    for _ in range(11):
        tab = visit()
        tab.token = first.token
        tab.hello()
    last = visit()
    last.send("hello", v=1, token=first.token)
    assert last.closed() == 4429
    assert first.say("the others go on")["id"]


def test_there_is_no_socket_elsewhere(server: Server) -> None:
    with pytest.raises(InvalidStatus):
        connect(f"{server.url.replace('http', 'ws', 1)}/ws/nothing/", origin=server.url, legacy=True)  # type: ignore[arg-type]


def test_1012_where_the_server_stops_and_the_visitor_comes_back(server: Server, widget: Widget) -> None:
    tab = Visitor(server.url, widget.key).open()
    tab.hello()
    tab.say("before the restart")
    server.stop()
    assert tab.closed() == 1012
    server.start()
    with Visitor(server.url, widget.key) as again:
        again.token = tab.token
        assert [message["body"] for message in again.hello()["messages"]] == ["before the restart"]
