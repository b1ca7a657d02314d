"""The bus: what was committed is told once to every listener, here and in other processes; what wasn't is not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from django.db import transaction
from structlog.testing import capture_logs

from chatadmin.lib import bus
from chatadmin.lib.bus import Event, announce, announce_now, subscribe
from tests.threads import disconnecting

HELLO = Event("message.created", "5e9c8f0e-0000-4000-8000-000000000001", {"id": 7, "sender": "visitor"})


class Undone(Exception):
    """Rolls a transaction back."""


pytestmark = pytest.mark.usefixtures("own_bus")


async def until(true: Callable[[], object]) -> None:
    """Lets the loop run until that is true, for 5 s at most."""
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def in_thread(work: Callable[[], object]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, disconnecting(work))


def hearing(scenario: Callable[[list[Event]], Coroutine[Any, Any, None]]) -> list[Event]:
    """Runs `scenario` with a listener on its loop. Returns what it heard."""
    heard: list[Event] = []

    async def run() -> None:
        end = subscribe(heard.append)
        try:
            assert await bus.ready(5)
            await scenario(heard)
            await asyncio.sleep(0.02)
        finally:
            end()
            await leave()

    asyncio.run(run())
    return heard


async def leave() -> None:
    """Ends this loop's receiver, as the end of the process would, and closes its connections."""
    loop, held = asyncio.get_running_loop(), bus._current()
    receiver = held.receivers.pop(loop, None)
    held.joined.pop(loop, None)
    if receiver is not None:
        receiver.cancel()
        await asyncio.gather(receiver, return_exceptions=True)


def test_a_listener_hears_what_is_announced_now():
    async def scenario(heard: list[Event]) -> None:
        await announce_now(HELLO, Event("typing.changed", "x", {"on": True}))
        await until(lambda: len(heard) == 2)

    assert hearing(scenario) == [HELLO, Event("typing.changed", "x", {"on": True})]


def test_an_event_without_anybody_is_plain():
    assert Event("staff.changed") == Event("staff.changed", "", {})
    assert Event("a.b").data is not Event("a.b").data


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_before_the_commit():
    def work() -> None:
        with transaction.atomic():
            announce(HELLO)
            seen.append(len(told))
        seen.append(len(told))

    told: list[Event] = []
    seen: list[int] = []

    async def scenario(heard: list[Event]) -> None:
        nonlocal told
        told = heard
        await in_thread(work)
        await until(lambda: heard)

    assert hearing(scenario) == [HELLO]
    assert seen[0] == 0


@pytest.mark.django_db(transaction=True)
def test_a_rollback_tells_nothing():
    def work() -> None:
        with contextlib.suppress(Undone), transaction.atomic():
            announce(HELLO)
            raise Undone
        with transaction.atomic():
            with contextlib.suppress(Undone), transaction.atomic():
                announce(Event("inner.undone"))
                raise Undone
            announce(Event("outer.kept"))

    async def scenario(heard: list[Event]) -> None:
        await in_thread(work)
        await until(lambda: heard)

    assert hearing(scenario) == [Event("outer.kept")]


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_it_is_told_at_once():
    async def scenario(heard: list[Event]) -> None:
        await in_thread(lambda: announce(HELLO))
        await until(lambda: heard)

    assert hearing(scenario) == [HELLO]


@pytest.mark.django_db(transaction=True)
def test_events_keep_their_order():
    def work() -> None:
        with transaction.atomic():
            for number in range(50):
                announce(Event("n", str(number)))

    async def scenario(heard: list[Event]) -> None:
        await in_thread(work)
        await until(lambda: len(heard) == 50)

    assert [event.chat_user for event in hearing(scenario)] == [str(number) for number in range(50)]


def test_a_listener_that_fails_harms_nobody_and_its_words_are_not_logged():
    heard: list[Event] = []

    def failing(event: Event) -> None:
        raise ValueError("ann@example.com")

    async def run() -> None:
        ends = [subscribe(failing), subscribe(heard.append)]
        try:
            await announce_now(HELLO)
            await until(lambda: heard)
        finally:
            for end in ends:
                end()
            await leave()

    with capture_logs() as logs:
        asyncio.run(run())
    assert heard == [HELLO]
    assert [(line["event"], line["error"]) for line in logs] == [("bus.listener_failed", "ValueError")]
    assert "ann@example.com" not in str(logs)


def test_who_has_ended_hears_nothing():
    first: list[Event] = []

    async def run() -> None:
        end = subscribe(first.append)
        second: list[Event] = []
        end_second = subscribe(second.append)
        await announce_now(HELLO)
        await until(lambda: second)
        end()
        end()
        await announce_now(HELLO)
        await until(lambda: len(second) == 2)
        end_second()
        await leave()

    asyncio.run(run())
    assert first == [HELLO]


def test_a_loop_that_closed_is_forgotten():
    async def run() -> None:
        subscribe(lambda event: None)
        await leave()

    asyncio.run(run())
    before = len(bus._current().listeners)

    async def scenario(heard: list[Event]) -> None:
        await announce_now(HELLO)
        await until(lambda: heard)

    assert hearing(scenario) == [HELLO]
    assert before >= 1
    assert not [loop for loop, _ in bus._current().listeners.values() if loop.is_closed()]


def test_listeners_of_two_loops_hear_each_on_its_own():
    threads: dict[str, int] = {}
    ready, done = threading.Event(), threading.Event()

    def other_loop() -> None:
        async def run() -> None:
            end = subscribe(lambda event: threads.setdefault("other", threading.get_ident()))
            ready.set()
            await until(done.is_set)
            end()
            await leave()

        asyncio.run(run())

    other = threading.Thread(target=other_loop)
    other.start()
    assert ready.wait(5)

    async def scenario(heard: list[Event]) -> None:
        await announce_now(HELLO)
        await until(lambda: "other" in threads and heard)
        threads["here"] = threading.get_ident()

    try:
        assert hearing(scenario) == [HELLO]
    finally:
        done.set()
        other.join()
    assert threads["other"] == other.ident != threads["here"]


def test_what_other_processes_are_told_is_plain():
    for value in (1, "x", True, None, [1, "a"], {"a": 1}):
        event = Event("a.b", "c", {"value": value})
        assert msgspec.convert(msgspec.to_builtins([event]), list[Event]) == [event]


class Dead:
    """A channel layer whose Redis is away, or doesn't answer."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs

    async def new_channel(self) -> str:
        raise ConnectionError("redis://secret@host")

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        raise ConnectionError("redis://secret@host")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("hangs", [False, True])
def test_with_redis_away_this_process_is_told_and_nobody_waits(monkeypatch: pytest.MonkeyPatch, hangs: bool):
    monkeypatch.setattr(bus, "get_channel_layer", lambda: Dead(hangs=hangs))
    monkeypatch.setattr(bus, "SEND_SECONDS", 0.05)
    heard: list[Event] = []

    with capture_logs() as logs:

        async def run() -> None:
            end = subscribe(heard.append)
            assert not await bus.ready(0.01)
            await in_thread(lambda: announce(HELLO))
            await announce_now(Event("typing.changed"))
            await until(lambda: len(heard) == 2 and any(line["event"] == "bus.send_failed" for line in logs))
            end()
            await leave()

        asyncio.run(run())
    assert [event.name for event in heard] == ["message.created", "typing.changed"]
    assert {line["event"] for line in logs} == {"bus.receive_failed", "bus.send_failed"}
    assert "secret" not in str(logs)


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_does_not_answer_holds_no_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus, "get_channel_layer", lambda: Dead(hangs=True))
    monkeypatch.setattr(bus, "SEND_SECONDS", 30.0)
    took: list[float] = []

    def work() -> None:
        began = time.monotonic()
        for _ in range(20):
            announce(HELLO)
        took.append(time.monotonic() - began)

    async def run() -> None:
        end = subscribe(lambda event: None)
        await in_thread(work)
        await announce_now(HELLO)
        end()
        await leave()

    began = time.monotonic()
    with capture_logs():
        asyncio.run(run())
    assert took[0] < 1
    assert time.monotonic() - began < 5


@pytest.mark.django_db(transaction=True)
def test_without_a_loop_it_is_said_before_the_work_goes_on(monkeypatch: pytest.MonkeyPatch):
    said: list[dict[str, Any]] = []

    class Layer:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            said.append(message)

    monkeypatch.setattr(bus, "get_channel_layer", Layer)
    announce(HELLO)
    announce(HELLO)
    assert [message["number"] for message in said] == [1, 2]
    assert msgspec.convert(said[0]["events"], list[Event]) == [HELLO]


def test_a_fork_has_a_bus_of_its_own(monkeypatch: pytest.MonkeyPatch):
    parent = bus._current()
    assert bus._current() is parent
    monkeypatch.setattr(bus.os, "getpid", lambda: parent.pid + 1)
    child = bus._current()
    monkeypatch.undo()
    assert child is not parent
    assert child.origin != parent.origin
    assert child.listeners == {}
