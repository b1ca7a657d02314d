"""A hub: each event is worked on once and in order, and whoever may have missed one is told to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import bus
from chatadmin.lib import hub as module
from chatadmin.lib.bus import Event
from chatadmin.lib.hub import Hub
from tests.lib.test_bus import leave, until

Scenario = Callable[["Listening"], Coroutine[Any, Any, None]]


class Page:
    """Watches, and counts how often it was told to look again."""

    def __init__(self) -> None:
        self.lags = 0

    def lagged(self) -> None:
        self.lags += 1


class Listening(Hub[Page]):
    """Keeps what it worked on; fails at events called `bad`; waits while the gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.started = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, events: list[Event]) -> None:
        self.started += 1
        await self.gate.wait()
        if any(event.name == "bad" for event in events):
            raise ValueError("ann@example.com")
        self.batches.append([event.name for event in events])

    @property
    def done(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


@pytest.fixture(autouse=True)
def no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "get_channel_layer", lambda: None)


def run(scenario: Scenario) -> None:
    async def body() -> None:
        hub = Listening.current()
        try:
            await scenario(hub)
        finally:
            hub.unsubscribe()
            hub.worker.cancel()
            await asyncio.gather(hub.worker, return_exceptions=True)
            await leave()

    asyncio.run(body())


def test_only_what_is_watched_is_worked_on():
    async def scenario(hub: Listening) -> None:
        page = Page()
        hub.watch(page, ["ann", "bob"])
        await bus.announce_now(Event("one", "ann"), Event("two", "cleo"), Event("three", "bob"))
        await until(lambda: len(hub.done) == 2)
        hub.unwatch(page, ["ann"])
        await bus.announce_now(Event("four", "ann"), Event("five", "bob"))
        await until(lambda: len(hub.done) == 3)
        assert hub.done == ["one", "three", "five"]

    run(scenario)


def test_watchers_come_and_go():
    async def scenario(hub: Listening) -> None:
        first, second = Page(), Page()
        hub.watch(first, ["ann"])
        hub.watch(first, ["ann"])
        hub.watch(second, ["ann"])
        assert set(hub.of("ann")) == {first, second}
        hub.unwatch(first, ["ann", "nobody"])
        assert hub.of("ann") == [second]
        hub.unwatch(second, ["ann"])
        assert hub.of("ann") == []
        assert hub.watchers == {}

    run(scenario)


def test_what_comes_while_it_works_is_one_batch_in_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BATCH_EVENTS", 3)

    async def scenario(hub: Listening) -> None:
        hub.watch(Page(), ["ann"])
        hub.gate.clear()
        await bus.announce_now(Event("0", "ann"))
        await until(lambda: hub.started)
        for number in range(1, 6):
            await bus.announce_now(Event(str(number), "ann"))
        await asyncio.sleep(0.01)
        hub.gate.set()
        await until(lambda: len(hub.done) == 6)
        assert hub.batches == [["0"], ["1", "2", "3"], ["4", "5"]]

    run(scenario)


def test_a_bad_event_takes_no_other_with_it():
    ann, bob = Page(), Page()

    async def scenario(hub: Listening) -> None:
        hub.watch(ann, ["ann"])
        hub.watch(bob, ["bob"])
        hub.gate.clear()
        await bus.announce_now(Event("0", "ann"))
        await until(lambda: hub.started)
        await bus.announce_now(Event("1", "ann"), Event("bad", "bob"), Event("2", "ann"))
        await asyncio.sleep(0.01)
        hub.gate.set()
        await until(lambda: hub.done == ["0", "1", "2"])
        await bus.announce_now(Event("3", "bob"))
        await until(lambda: "3" in hub.done)

    with capture_logs() as logs:
        run(scenario)
    assert (ann.lags, bob.lags) == (0, 1)
    assert [(line["event"], line["lost"]) for line in logs] == [("hub.failed", 1)]


def test_bad_ones_among_many_are_found_by_halves_and_said_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Listening, "gathers", True)
    names = [str(number) for number in range(1_000)]
    names[300] = names[301] = names[900] = "bad"

    async def scenario(hub: Listening) -> None:
        hub.watch(Page(), ["ann"])
        await bus.announce_now(*(Event(name, "ann") for name in names))
        await until(lambda: len(hub.done) == 997)
        assert hub.done == [name for name in names if name != "bad"]
        assert hub.started < 60

    with capture_logs() as logs:
        run(scenario)
    assert [(line["event"], line["lost"]) for line in logs] == [("hub.failed", 3)]


def test_where_all_fails_it_gives_up_and_everybody_looks_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Listening, "gathers", True)
    monkeypatch.setattr(module, "GIVE_UP_SECONDS", 0.2)
    ann, bob = Page(), Page()

    async def scenario(hub: Listening) -> None:
        hub.watch(ann, ["ann"])
        hub.watch(bob, ["bob"])
        slow = asyncio.Event()
        asyncio.get_running_loop().call_later(0.3, slow.set)
        hub.gate = slow
        await bus.announce_now(*(Event("bad", "ann") for _ in range(499)), Event("good", "bob"))
        await until(lambda: bob.lags)
        assert hub.started == 1
        await bus.announce_now(Event("later", "bob"))
        await until(lambda: hub.done == ["later"])

    with capture_logs() as logs:
        run(scenario)
    assert ann.lags == 499
    assert [(line["event"], line["lost"]) for line in logs] == [("hub.failed", 500)]


def test_a_bad_event_alone_is_worked_on_once():
    page = Page()

    async def scenario(hub: Listening) -> None:
        hub.watch(page, ["ann"])
        await bus.announce_now(Event("bad", "ann"))
        await until(lambda: page.lags)

    with capture_logs() as logs:
        run(scenario)
    assert page.lags == 1
    assert [(line["event"], line["error"]) for line in logs] == [("hub.failed", "ValueError")]


def test_events_that_come_too_fast_tell_those_who_miss_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "QUEUE_EVENTS", 2)
    ann, bob = Page(), Page()

    async def scenario(hub: Listening) -> None:
        hub.watch(ann, ["ann"])
        hub.watch(bob, ["bob"])
        hub.gate.clear()
        await bus.announce_now(Event("0", "ann"))
        await until(lambda: hub.started)
        await bus.announce_now(Event("1", "ann"), Event("2", "ann"), Event("3", "bob"), Event("4", "bob"))
        await until(lambda: bob.lags == 2)
        hub.gate.set()
        await until(lambda: hub.done == ["0", "1", "2"])

    with capture_logs() as logs:
        run(scenario)
    assert (ann.lags, bob.lags) == (0, 2)
    assert [line["event"] for line in logs] == ["hub.overflowed"]


def test_lost_events_of_other_processes_make_everybody_look_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Listening, "gap_seconds", 0.05)
    ann, both = Page(), Page()

    async def scenario(hub: Listening) -> None:
        hub.watch(ann, ["ann"])
        hub.watch(both, ["ann", "bob"])
        for _ in range(3):
            await bus.announce_now(Event("bus.gap"))
        await until(lambda: ann.lags)
        assert hub.done == []
        await asyncio.sleep(0.1)
        assert (ann.lags, both.lags) == (1, 1), "several that notice the same loss are one"
        await bus.announce_now(Event("bus.gap"))
        await until(lambda: ann.lags == 2)

    run(scenario)


@pytest.mark.parametrize(
    ("gathers", "batches"), [(True, [["0"], ["1", "2"]]), (False, [["0"], ["1"], ["2"]])]
)
def test_a_hub_that_is_behind_rests_as_long_as_it_worked(
    monkeypatch: pytest.MonkeyPatch, gathers: bool, batches: list[list[str]]
):
    monkeypatch.setattr(Listening, "gathers", gathers)

    async def scenario(hub: Listening) -> None:
        hub.watch(Page(), ["ann"])
        hub.gate.clear()
        await bus.announce_now(Event("0", "ann"))
        await until(lambda: hub.started)
        await bus.announce_now(Event("1", "ann"))
        await asyncio.sleep(0.1)
        hub.gate.set()
        await until(lambda: hub.batches)
        await bus.announce_now(Event("2", "ann"))
        await until(lambda: len(hub.done) == 3)
        assert hub.batches == batches

    run(scenario)


def test_a_hub_that_has_much_to_do_rests_though_nothing_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Listening, "gathers", True)
    monkeypatch.setattr(module, "MANY_EVENTS", 2)

    async def scenario(hub: Listening) -> None:
        hub.watch(Page(), ["ann"])
        hub.gate.clear()
        await bus.announce_now(*(Event(str(number), "ann") for number in range(3)))
        await until(lambda: hub.started)
        await asyncio.sleep(0.1)
        hub.gate.set()
        await until(lambda: hub.batches)
        assert hub.batches == [["0", "1", "2"]]
        for number in "34":
            await bus.announce_now(Event(number, "ann"))
            await asyncio.sleep(0.01)
        await until(lambda: len(hub.done) == 5)
        assert hub.batches == [["0", "1", "2"], ["3", "4"]]

    run(scenario)


def test_each_loop_and_kind_has_one_hub():
    class Other(Listening):
        pass

    hubs: list[Listening] = []

    async def scenario(hub: Listening) -> None:
        assert Listening.current() is hub
        other = Other.current()
        assert other is not hub
        other.unsubscribe()
        other.worker.cancel()
        await asyncio.gather(other.worker, return_exceptions=True)
        hubs.append(hub)

    run(scenario)
    run(scenario)
    assert hubs[0] is not hubs[1]
    assert not [loop for _, loop in Hub._hubs if loop.is_closed()] or len(Hub._hubs) <= 2
