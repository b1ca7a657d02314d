"""The limits of an address and of a socket, end to end: past each its named answer, and others go on.

Each test comes from an address of its own of the loopback network, so that none uses up another's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count

import pytest

from chatadmin.lib import redis_store
from staff.models import Widget
from tests.server import Server
from tests.visitor import Visitor
from tests.widget.raw import HELLO, TEXT, Raw, frame
from users.models import ChatUser
from widget.edge import SOCKETS_PER_ADDRESS
from widget.entering import NEW_PEOPLE

Open = Callable[..., Visitor]
addresses = count(int(time.time()) % 50_000)


@pytest.fixture
def source() -> str:
    """An address from which nobody came before."""
    number = next(addresses)
    return f"127.77.{number // 250 % 250 + 1}.{number % 250 + 1}"


@pytest.fixture
def raw(server: Server, widget: Widget, source: str) -> Iterator[Callable[[], Raw]]:
    """Opens WebSockets from that address."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(Raw(server, source)).upgrade(widget)


@pytest.fixture
def other(visit: Open) -> Visitor:
    """Somebody from another address, who has nothing to do with it."""
    tab = visit()
    tab.hello()
    return tab


def frames_of(tab: Raw) -> Iterator[dict[str, object]]:
    """Frames as they come."""
    while True:
        opcode, payload = tab.next_frame()
        if opcode == TEXT:
            yield json.loads(payload)


def test_the_501st_socket_of_an_address_is_one_too_many(raw: Callable[[], Raw], other: Visitor) -> None:
    tabs = [raw() for _ in range(SOCKETS_PER_ADDRESS)]
    tabs[-1].send(frame(TEXT, HELLO))
    assert next(frames_of(tabs[-1]))["type"] == "welcome"
    assert raw().closed() == 4429
    tabs[0].socket.close()
    other.say("meanwhile")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        again = raw()
        again.send(frame(TEXT, HELLO))
        if again.next_frame()[0] == TEXT:
            return
    raise AssertionError("a place that is free again is not given away")


def test_the_601st_new_person_of_an_address_is_one_too_many(raw: Callable[[], Raw], other: Visitor) -> None:
    """A hello without a token is a new person's; a socket may say 30 of them at once."""
    before, left = ChatUser.objects.count(), NEW_PEOPLE.most
    while left:
        tab, hellos = raw(), min(25, left)
        tab.send(frame(TEXT, HELLO) * hellos)
        welcomes = frames_of(tab)
        for _ in range(hellos):
            assert next(welcomes)["type"] == "welcome"
        left -= hellos
    last = raw()
    last.send(frame(TEXT, HELLO))
    assert next(frames_of(last))["code"] == "too_fast"
    assert last.closed() == 4429
    assert ChatUser.objects.count() == before + NEW_PEOPLE.most
    assert other.say("meanwhile")["id"]


@pytest.fixture
def servers(server: Server) -> Iterator[list[Server]]:
    """The server, and where several may serve one database a second one."""
    if not redis_store.configured():
        yield [server]
        return
    second = Server().start()
    yield [server, second]
    second.stop()


def test_sockets_of_one_address_flood_together(
    servers: list[Server], widget: Widget, source: str, other: Visitor
) -> None:
    """No one of them does: that takes 50 refused frames; nor does one process, which would take 500."""
    with ExitStack() as opened:
        tabs = [opened.enter_context(Raw(servers[number % len(servers)], source)) for number in range(30)]
        for tab in tabs:
            tab.upgrade(widget).send(frame(TEXT, HELLO) + frame(TEXT, b"nonsense") * 32)
        codes: list[int] = []
        for _ in range(3):
            for tab in tabs:
                tab.send(frame(TEXT, b"nonsense") * 4)
            for tab in tabs:
                tab.socket.settimeout(0.05)
                with suppress(TimeoutError, OSError, EOFError):
                    codes.append(tab.closed())
    assert codes and set(codes) == {4429}
    assert other.say("meanwhile")["id"]


def test_a_sockets_other_frames_have_a_budget_of_30_at_once(raw: Callable[[], Raw], other: Visitor) -> None:
    tab = raw()
    tab.send(frame(TEXT, HELLO) + frame(TEXT, b'{"type":"ping"}') * 60)
    answers = frames_of(tab)
    assert next(answers)["type"] == "welcome"
    said = [next(answers) for _ in range(60)]
    pongs = sum(answer["type"] == "pong" for answer in said)
    assert said[29]["type"] == "pong" and 30 <= pongs < 60
    assert {answer["code"] for answer in said if answer["type"] == "error"} == {"too_fast"}
    tab.send(
        frame(TEXT, b'{"type":"message","client_id":"5885fdd4-afd1-4d1f-8ba8-2c3c2a280ec9","body":"Hi"}')
    )
    assert next(answers)["type"] == "ack"
    assert other.say("meanwhile")["id"]
