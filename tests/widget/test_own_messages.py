"""What a tab wrote itself isn't read for it again, and what others wrote to its person is."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from chatadmin.lib.bus import Event, announce_now
from tests.factories import make_messages, make_person
from tests.lib.test_bus import leave, until
from tests.lib.test_socket import Peer
from users.models import ChatUser
from widget import consumers
from widget.consumers import VisitorSocket
from widget.hub import VisitorHub


class Tab:
    """A tab that sent these messages; counts how often it was about to be told some."""

    person: ChatUser | None = None
    cursor = 0

    def __init__(self, *sent: str) -> None:
        self.sent, self.asked = sent, 0

    def wrote(self, client_id: str) -> bool:
        return client_id in self.sent

    def passes_over(self, client_id: str) -> bool:
        return client_id in self.sent

    def listens(self) -> bool:
        self.asked += 1
        return False


class Told(Tab):
    """A tab that listens; keeps what it is told."""

    def __init__(self, *sent: str) -> None:
        super().__init__(*sent)
        self.told: list[tuple[int, str | None]] = []

    def listens(self) -> bool:
        return True

    def deliver(self, pk: int, fields: dict[str, Any] | None) -> None:
        self.told.append((pk, fields["body"] if fields is not None else None))


@pytest.fixture(autouse=True)
def no_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that an earlier test killed may be missed just now, and after a gap every tab is looked at."""
    monkeypatch.setattr(VisitorHub, "missed", lambda hub: None)


def told(*tabs: Tab, data: dict[str, Any]) -> list[int]:
    """How often each of one person's tabs was about to be told after a message."""

    async def run() -> None:
        hub = VisitorHub.current()
        for tab in tabs:
            hub.watch(tab, ["ann"])
        await announce_now(
            Event("message.created", "ann", data), Event("typing.changed", "ann", {"side": "none"})
        )
        await until(hub.events.empty)
        await asyncio.sleep(0.02)
        hub.worker.cancel()
        await leave()

    asyncio.run(run())
    return [tab.asked for tab in tabs]


def test_the_only_tab_has_what_it_wrote():
    assert told(Tab("a", "b"), data={"id": 1, "sender": "visitor", "client_id": "b"}) == [0]


def test_another_tab_hears_of_it():
    assert told(Tab("a"), Tab(), data={"id": 1, "sender": "visitor", "client_id": "a"}) == [1, 1]


@pytest.mark.parametrize(
    "data", [{"id": 1, "sender": "staff", "client_id": "x"}, {"id": 1, "sender": "bot"}, {}]
)
def test_what_others_wrote_is_told(data: dict[str, Any]):
    assert told(Tab("a"), data=data) == [1]


@pytest.mark.django_db(transaction=True)
def test_own_messages_are_passed_over_and_others_between_them_are_told_in_order():
    ann = make_person("Ann")
    own = [uuid.uuid4() for _ in range(3)]
    ids = [
        one.pk
        for pair in ((("visitor", "mine"), own[0]), (("staff", "ours"), None), (("visitor", "mine"), own[1]))
        for one in make_messages(ann, pair[0], client_id=pair[1])
    ]

    async def run(*tabs: Told) -> list[list[tuple[int, str | None]]]:
        hub = VisitorHub.current()
        for tab in tabs:
            tab.person = ann
            hub.watch(tab, [str(ann.uuid)])
        hub.look_again(str(ann.uuid))
        await until(lambda: all(len(tab.told) == len(ids) for tab in tabs))
        hub.worker.cancel()
        await leave()
        return [tab.told for tab in tabs]

    alone = asyncio.run(run(Told(*map(str, own))))
    assert alone == [[(ids[0], None), (ids[1], "ours"), (ids[2], None)]]
    # What one of two tabs didn't write is read for both, who know what is news to them.
    both = asyncio.run(run(Told(*map(str, own)), Told()))
    assert both == 2 * [[(ids[0], "mine"), (ids[1], "ours"), (ids[2], "mine")]]


def test_the_cursor_is_brought_up_now_and_then():
    async def run() -> list[bool]:
        peer = Peer()
        socket = VisitorSocket({"headers": [], "client": ("127.0.0.1", 1)}, peer.incoming.get, peer.send)
        socket.own_keys["a"] = None
        assert not socket.passes_over("b")
        return [socket.passes_over("a") for _ in range(consumers.OWN_PASSED)]

    assert asyncio.run(run()).count(False) == 1
