"""Where events were lost everybody is looked at, however full the queue is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from chatadmin.lib import bus
from chatadmin.lib import hub as module
from chatadmin.lib.bus import Event
from tests.lib.test_bus import leave, until
from widget import hub as widget_hub
from widget.hub import Tab, VisitorHub

NAMES = [f"person {number}" for number in range(8)]
Scenario = Callable[[VisitorHub, dict[str, "Socket"]], Coroutine[Any, Any, None]]


class Socket:
    """A visitor's, as the hub sees it."""

    person, cursor, switching = None, 0, False

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended: list[int] = []

    def listens(self) -> bool:
        return False

    def passes_over(self, client_id: str) -> bool:
        return False

    def push(self, text: str) -> None:
        self.told.append(text)

    def lagged(self) -> None:
        self.told.append("lagged")

    def close(self, closing: Any) -> None:
        self.ended.append(closing.code)


def run(scenario: Scenario) -> None:
    async def body() -> None:
        hub = VisitorHub.current()
        sockets = {name: Socket() for name in NAMES}
        for name, socket in sockets.items():
            hub.watch(cast("Tab", socket), [name])
        try:
            await scenario(hub, sockets)
        finally:
            hub.unsubscribe()
            hub.worker.cancel()
            await asyncio.gather(hub.worker, return_exceptions=True)
            await leave()

    asyncio.run(body())


@pytest.fixture(autouse=True)
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that holds fewer than there are people."""
    monkeypatch.setattr(bus, "get_channel_layer", lambda: None)
    monkeypatch.setattr(module, "QUEUE_EVENTS", 3)
    monkeypatch.setattr(widget_hub, "LOOKED_UP", 3)
    monkeypatch.setattr(widget_hub, "_last_read", nothing_read)


async def nothing_read(names: list[str]) -> dict[str, Any]:
    return {}


async def stand(names: list[str]) -> dict[str, bool]:
    """The second was erased, the last is blocked."""
    return {name: name == NAMES[-1] for name in names if name != NAMES[1]}


def test_who_was_erased_or_blocked_goes_though_the_queue_is_full(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(widget_hub, "_blocked", stand)

    async def scenario(hub: VisitorHub, sockets: dict[str, Socket]) -> None:
        for _ in range(3):
            hub._queue(Event("message.created", NAMES[0]))
        hub.missed()
        assert all('"ping"' in socket.told[0] for socket in sockets.values())
        await until(lambda: sockets[NAMES[-1]].ended)
        ended = {name: socket.ended for name, socket in sockets.items() if socket.ended}
        assert ended == {NAMES[1]: [1012], NAMES[-1]: [4403]}
        assert not hub.unsure
        # Who stays isn't sent away for the queue's sake.
        assert not any("lagged" in socket.told for socket in sockets.values())

    run(scenario)


def test_more_people_than_the_queue_holds_are_told_what_they_miss(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    told: set[str] = set()

    async def look(names: list[str]) -> dict[str, bool]:
        asked.append(len(names))
        return await stand(names)

    async def tell(_: VisitorHub, names: set[str]) -> None:
        told.update(names)

    monkeypatch.setattr(widget_hub, "_blocked", look)
    monkeypatch.setattr(VisitorHub, "_tell_messages", tell)

    async def scenario(hub: VisitorHub, sockets: dict[str, Socket]) -> None:
        hub.missed()
        await until(lambda: told == set(NAMES) - {NAMES[1], NAMES[-1]})
        assert asked == [3, 3, 2]
        assert not any("lagged" in socket.told for socket in sockets.values())

    run(scenario)


def test_a_look_that_fails_is_done_with_the_next_event(monkeypatch: pytest.MonkeyPatch):
    looks: list[int] = []

    async def away(names: list[str]) -> dict[str, bool]:
        looks.append(1)
        raise OSError

    monkeypatch.setattr(widget_hub, "_blocked", away)
    monkeypatch.setattr(module, "GIVE_UP_SECONDS", 0)

    async def scenario(hub: VisitorHub, sockets: dict[str, Socket]) -> None:
        hub.missed()
        await until(lambda: looks and hub.events.empty())
        assert not any(socket.ended for socket in sockets.values())
        monkeypatch.setattr(widget_hub, "_blocked", stand)
        hub.look_again(NAMES[0])
        await until(lambda: sockets[NAMES[-1]].ended)

    run(scenario)
