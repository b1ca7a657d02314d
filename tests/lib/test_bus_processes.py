"""Between processes: each event is heard once everywhere, and one that got lost is noticed, however it did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import bus, redis_store
from chatadmin.lib.bus import Event, announce, announce_now
from tests.lib.test_bus import HELLO, hearing, in_thread, until

pytestmark = pytest.mark.usefixtures("own_bus")


def test_what_waits_for_redis_is_bounded_and_what_is_lost_leaves_a_gap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus, "WAITING_EVENTS", 5)
    monkeypatch.setattr(bus, "SENT_EVENTS", 3)
    outbox = bus._Outbox()
    outbox.put([HELLO] * 4)
    assert outbox.take() == (1, [HELLO] * 3)
    assert outbox.take() == (2, [HELLO])
    assert outbox.take() == (3, [])
    outbox.put([HELLO] * 6)
    assert [outbox.take() for _ in range(3)] == [(5, [HELLO] * 3), (6, [HELLO] * 2), (7, [])]


if redis_store.configured():  # one half of the suite has a Redis

    @pytest.mark.django_db(transaction=True)
    def test_another_process_hears_it_once_and_we_do_too():
        heard_there: list[Event] = []
        there = bus._Bus()

        async def scenario(heard: list[Event]) -> None:
            handle = there.add(heard_there.append)
            loop = asyncio.get_running_loop()
            await asyncio.wait_for(there.joined[loop].wait(), 5)
            await in_thread(lambda: announce(HELLO))
            await announce_now(Event("typing.changed"))
            await until(lambda: len(heard_there) == 2 and len(heard) == 2)
            await asyncio.sleep(0.1)
            await end(there, handle)

        heard = hearing(scenario)
        assert sorted(event.name for event in heard) == ["message.created", "typing.changed"]
        assert sorted(event.name for event in heard_there) == ["message.created", "typing.changed"]
        assert HELLO in heard_there


async def end(there: bus._Bus, handle: int) -> None:
    """Ends another process that was played by us."""
    loop = asyncio.get_running_loop()
    there.remove(handle)
    there.receivers[loop].cancel()
    await asyncio.gather(there.receivers[loop], return_exceptions=True)


def others(scenario: Callable[[bus._Bus, list[Event]], Coroutine[Any, Any, None]]) -> list[Event]:
    """What is heard here while `scenario` speaks for another process, which is known here."""
    there = bus._Bus()

    async def both(heard: list[Event]) -> None:
        handle = there.add(lambda event: None)
        await asyncio.wait_for(there.joined[asyncio.get_running_loop()].wait(), 5)
        await until(lambda: there.origin in bus._current().gaps.heard)
        await scenario(there, heard)
        await end(there, handle)

    return hearing(both)


if redis_store.configured():

    def test_a_message_that_got_lost_is_missed_with_the_next():
        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            there.post([HELLO])
            await until(lambda: heard)
            there.outbox.take()
            there.post([HELLO])
            there.post([HELLO])
            await until(lambda: Event(bus.GAP) in heard)

        with capture_logs() as logs:
            heard = others(scenario)
        assert heard.count(HELLO) == 3
        assert heard.count(Event(bus.GAP)) == 1
        assert "bus.gap" in {line["event"] for line in logs}

    def test_a_beacon_tells_of_what_got_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(bus, "BEACON_SECONDS", 0.05)

        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            there.post([HELLO])
            await until(lambda: heard)
            await asyncio.sleep(0.3)
            assert heard == [HELLO]
            there.outbox.take()
            await until(lambda: len(heard) == 2)
            await asyncio.sleep(0.3)

        with capture_logs():
            assert others(scenario) == [HELLO, Event(bus.GAP)]

    def test_the_first_word_of_a_new_process_is_missed_too(monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(bus, "BEACON_SECONDS", 0.05)

        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            newer = bus._Bus()
            newer.outbox.put([HELLO])
            newer.outbox.take()
            await newer.say()
            await until(lambda: heard)

        with capture_logs():
            assert others(scenario) == [Event(bus.GAP)]

    def test_who_begins_learns_at_once_what_the_others_said_last():
        """Whom it first heard of with a later beacon, it could not miss until then."""

        async def scenario(heard: list[Event]) -> None:
            loop, there = asyncio.get_running_loop(), bus._Bus()
            for _ in range(20):
                await announce_now(HELLO)
            here = bus._current()
            await until(lambda: len(heard) == 20 and not here.outbox.waiting)
            await asyncio.sleep(0.1)
            handle = there.add(lambda event: events.append(event.name))
            await asyncio.wait_for(there.joined[loop].wait(), 5)
            await until(lambda: here.origin in there.gaps.heard)
            assert there.gaps.heard[here.origin].number == here.outbox.number
            assert events == []
            here.outbox.take()
            await here.say()
            await until(lambda: events == [bus.GAP])
            await end(there, handle)

        events: list[str] = []
        with capture_logs():
            hearing(scenario)

    @pytest.mark.parametrize("says_goodbye", [False, True])
    def test_a_process_that_dies_is_missed_unless_it_said_goodbye(
        monkeypatch: pytest.MonkeyPatch, says_goodbye: bool
    ):
        monkeypatch.setattr(bus, "BEACON_SECONDS", 0.05)
        monkeypatch.setattr(bus, "SILENCE_SECONDS", 0.5)

        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            there.post([HELLO])
            await until(lambda: heard)
            there.receivers[asyncio.get_running_loop()].cancel()
            if says_goodbye:
                await part(there, monkeypatch)
                await asyncio.sleep(1)
            else:
                await until(lambda: len(heard) == 2)

        with capture_logs():
            assert others(scenario) == ([HELLO] if says_goodbye else [HELLO, Event(bus.GAP)])

    def test_a_command_that_ends_frightens_nobody(monkeypatch: pytest.MonkeyPatch):
        """It has no loop that could send a beacon; that a message of it got lost is noticed all the same."""
        monkeypatch.setattr(bus, "BEACON_SECONDS", 0.05)
        monkeypatch.setattr(bus, "SILENCE_SECONDS", 0.5)

        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            command = bus._Bus()
            for _ in range(3):
                command.outbox.put([HELLO])
                await command.say()
                await asyncio.sleep(0.7)
            assert heard == [HELLO] * 3
            command.outbox.take()
            command.outbox.put([HELLO])
            await command.say()
            await until(lambda: len(heard) == 5)

        with capture_logs():
            assert others(scenario) == [HELLO, HELLO, HELLO, HELLO, Event(bus.GAP)]

    def test_a_goodbye_tells_of_what_got_lost(monkeypatch: pytest.MonkeyPatch):
        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            there.post([HELLO])
            await until(lambda: heard)
            there.outbox.take()
            await part(there, monkeypatch)
            await until(lambda: len(heard) == 2)

        with capture_logs():
            assert others(scenario) == [HELLO, Event(bus.GAP)]

    async def part(there: bus._Bus, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as ending:
            ending.setattr(bus, "_bus", there)
            await bus.farewell()

    def test_who_hears_again_looks_again(monkeypatch: pytest.MonkeyPatch):
        """What broke its ears, here a message that is none, may have cost it others."""
        monkeypatch.setattr(bus, "RETRY_SECONDS", 0.05)

        async def scenario(there: bus._Bus, heard: list[Event]) -> None:
            layer = bus.get_channel_layer()
            await layer.group_send(bus.GROUP, {"type": "bus", "origin": there.origin})
            await until(lambda: heard)
            there.post([HELLO])
            await until(lambda: len(heard) == 2)

        with capture_logs() as logs:
            assert others(scenario) == [Event(bus.GAP), HELLO]
        assert "bus.receive_failed" in {line["event"] for line in logs}
