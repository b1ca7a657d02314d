"""bench/live/: the scenes against the real server and the stock consumer, and that what is lost is noticed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.live import crowds, scenes
from bench.live.efforts import EFFORTS, Effort
from bench.live.pages import caught_up, desks
from bench.live.processes import memory, processor_seconds
from bench.live.proof import is_right, proof
from bench.live.scenes import Outcome, played
from bench.live.visitors import Tally, Visitor, crowd, drain
from bench.live.world import World
from conversations.models import Message
from staff.models import Account
from tests.factories import make_widget
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor as Tab
from users.models import ChatUser

EFFORT = replace(
    EFFORTS["small"],
    runs=2,
    seconds=0.5,
    warm=0.2,
    visitors=12,
    watchers=5,
    events=4,
    idle=40,
    idle_seconds=0.5,
    arrivals=15,
)


def world_of(server: Server, account: Account) -> World:
    assert server.process is not None
    widget = make_widget(allowed_origins=["self"])
    return World([server.url], [server.process.pid], widget.key, StaffBrowser(server, account).cookies)


@pytest.fixture(scope="module")
def fast_server(server_process: Server) -> Iterator[Server]:
    """A server with the ceilings of a benchmark; the one that other tests share stands aside."""
    server_process.stop()
    server = Server(LIMITS="bench").start()
    yield server
    server.stop()


@pytest.fixture
def world(fast_server: Server, transactional_db: None, admin: Account) -> Iterator[World]:
    yield world_of(fast_server, admin)
    # All that the scene asked for is done before the next test, as in the suite's own `server`.
    with Tab(fast_server.url, "nobody") as stranger:
        stranger.closed()


def test_all_that_is_acknowledged_is_counted_and_proved(world: World) -> None:
    found, visitors = asyncio.run(played(scenes.messages, world, EFFORT))
    assert found["per_second"]["median"] > 0 and found["ack"]["p95"]["median"] > 0
    assert (found["unanswered"], found["untold"], found["refused"], found["closed"]) == (0, 0, 0, 0)
    proved = proof(visitors)
    assert is_right(proved)
    assert proved["acknowledged"] == Message.objects.count() > 0


def test_a_steady_pace_is_kept_and_shown(world: World) -> None:
    found, visitors = asyncio.run(played(scenes.steady, world, EFFORT))
    assert 0 < found["per_second"]["median"] <= 1.2 * scenes.STEADY_PER_SECOND
    assert (found["unanswered"], found["untold"]) == (0, 0)
    assert found["told"]["p50"]["median"] > 0
    assert is_right(proof(visitors))


def test_an_event_reaches_every_page(world: World) -> None:
    found, _ = asyncio.run(played(scenes.fanout, world, EFFORT))
    assert (found["pages"], found["missed"]) == (5, 0)
    assert 0 < found["last"]["p95"]["median"] < 5_000


def test_the_idle_are_weighed_and_their_presence_is_right(world: World) -> None:
    found, _ = asyncio.run(played(crowds.idle, world, EFFORT))
    assert (found["sockets"], found["wrong_dots"], found["closed"]) == (40, 0, 0)


def test_those_who_come_at_once_are_welcomed(world: World) -> None:
    found, _ = asyncio.run(played(crowds.arrivals, world, EFFORT))
    assert found["refused"] == 0 and found["welcome"]["count"] == EFFORT.arrivals


def test_others_go_on_beside_stuck_readers_and_a_flood(world: World) -> None:
    found, visitors = asyncio.run(played(crowds.hostile, world, EFFORT))
    assert found["nonsense"] > 0 and found["unanswered"] == 0 and found["closed"] == 0
    assert is_right(proof(visitors))


async def talk(world: World, lines: int) -> list[Visitor]:
    visitors = await crowd(world.urls, world.key, 2, Tally())
    pages = await desks(world.urls[0], world.cookies, visitors, lists=1)
    for _ in range(lines):
        for visitor in visitors:
            visitor.say()
            assert await drain([visitor]) == 0
    assert await caught_up(pages) == 0
    for person in visitors:
        person.said.append(0.0)  # said, but never sent
    assert await drain(visitors, seconds=0.1) == 2
    # Two rows, the row beside the open profile, and the profile itself.
    assert await caught_up(pages, seconds=0.1) == 4
    return visitors


def test_what_is_lost_doubled_or_miscounted_is_noticed(world: World) -> None:
    async def scene(world: World, effort: Effort) -> Outcome:
        return {}, await talk(world, 3)

    _, visitors = asyncio.run(played(scene, world, EFFORT))
    assert is_right(proof(visitors))
    first, second = visitors
    first.acknowledged.reverse()
    assert proof(visitors)["unordered"] == 2
    ChatUser.objects.filter(uuid=second.uuid).update(message_count=9)
    assert proof(visitors)["counters"] == 1
    Message.objects.filter(chat_user__uuid=second.uuid).first().delete()
    found = proof(visitors, with_counters=False)
    assert (found["acknowledged"], found["lost"], found["counters"]) == (6, 1, 0)
    assert not is_right(found)


def test_the_stock_consumer_takes_the_same_load(
    server_process: Server, transactional_db: None, admin: Account
) -> None:
    server_process.stop()
    server = Server([sys.executable, "-m", "bench.stock.server"]).start()
    try:
        found, visitors = asyncio.run(played(scenes.messages, world_of(server, admin), EFFORT))
    finally:
        server.stop()
    assert found["per_second"]["median"] > 0 and found["unanswered"] == 0
    assert found["told"]["count"] > 0
    proved = proof(visitors, with_counters=False)
    assert is_right(proved) and proved["acknowledged"] > 0
    person = ChatUser.objects.get(uuid=visitors[0].uuid)
    assert person.message_count == person.unread_count == len(visitors[0].acknowledged)


def test_a_process_has_memory_and_uses_time(fast_server: Server) -> None:
    assert fast_server.process is not None
    process = fast_server.process.pid
    assert memory(process) > 10 * 1024**2
    assert processor_seconds(process) > 0
