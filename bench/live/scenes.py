"""The scenes: what happens in each, and what is measured of it. Each gives numbers, and runs in a world of its own."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bench.figures import summary
from bench.live import pages as desk
from bench.live.efforts import Effort
from bench.live.pages import Page
from bench.live.visitors import Tally, Visitor, crowd, drain
from bench.live.wire import hang_up
from bench.live.world import World

STEADY_PER_SECOND = 200

Outcome = tuple[dict[str, Any], list[Visitor]]
Scene = Callable[[World, Effort], Awaitable[Outcome]]


async def played(scene: Scene, world: World, effort: Effort) -> Outcome:
    """A scene to its end, and every socket closed after it: what was measured, and whose messages are to be proved."""
    try:
        return await scene(world, effort)
    finally:
        await hang_up()


def rates(values: Sequence[float]) -> dict[str, Any]:
    """The median of some runs' rates, and the spread."""
    return {
        "runs": len(values),
        "median": round(statistics.median(values), 1),
        "low": round(min(values), 1),
        "high": round(max(values), 1),
    }


def milliseconds(runs: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A summary of seconds, in milliseconds, of those runs in which any came. Raises ValueError where none came at all."""
    some = [[1000 * value for value in run] for run in runs if run]
    if not some:
        raise ValueError("nothing came in any run")
    return summary(some)


async def messages(world: World, effort: Effort) -> Outcome:
    """As many messages as can be acknowledged: each visitor says the next as soon as the last is acknowledged, while
    the five pages watch."""
    tally = Tally()
    visitors = await crowd(world.urls, world.key, effort.visitors, tally)
    pages = await desk.desks(world.urls[0], world.cookies, visitors)
    for visitor in visitors:
        visitor.on_ack = visitor.say
        visitor.say()
    await asyncio.sleep(effort.warm)
    acknowledged, taken, shown = [], [], []
    for _ in range(effort.runs):
        began, before = time.perf_counter(), tally.acks
        _take(tally, pages)
        await asyncio.sleep(effort.seconds)
        acknowledged.append((tally.acks - before) / (time.perf_counter() - began))
        seconds, told = _take(tally, pages)
        taken.append(seconds)
        shown.append(told)
    for visitor in visitors:
        visitor.on_ack = None
    found = {
        "per_second": rates(acknowledged),
        "ack": milliseconds(taken),
        "unanswered": await drain(visitors),
        "untold": await desk.caught_up(pages),
    }
    if any(shown):
        found["told"] = milliseconds(shown)
    return found | _mishaps(tally, pages), visitors


def _take(tally: Tally, pages: Sequence[Page]) -> tuple[list[float], list[float]]:
    return tally.take(), [value for page in pages for value in page.take()]


def _mishaps(tally: Tally, pages: Sequence[Page]) -> dict[str, int]:
    return {
        "refused": len(tally.refused),
        "closed": len(tally.closed) + sum(bool(page.code) for page in pages),
        "lagged": sum(page.lagged + page.reloads for page in pages),
    }


async def steady(world: World, effort: Effort) -> Outcome:
    """200 messages a second, evenly, by the visitors in turns, whoever still waits for an `ack` left out: from their
    sending to the fragment on a page."""
    tally = Tally()
    visitors = await crowd(world.urls, world.key, effort.visitors, tally)
    pages = await desk.desks(world.urls[0], world.cookies, visitors)
    pace = asyncio.create_task(keep_pace(visitors, STEADY_PER_SECOND))
    await asyncio.sleep(effort.warm)
    taken, shown, offered = [], [], []
    for _ in range(effort.runs):
        _take(tally, pages)
        began, before = time.perf_counter(), tally.acks
        await asyncio.sleep(effort.seconds)
        offered.append((tally.acks - before) / (time.perf_counter() - began))
        seconds, told = _take(tally, pages)
        taken.append(seconds)
        shown.append(told)
    pace.cancel()
    found = {
        "per_second": rates(offered),
        "ack": milliseconds(taken),
        "unanswered": await drain(visitors),
        "untold": await desk.caught_up(pages),
    }
    if any(shown):
        found["told"] = milliseconds(shown)
    return found | _mishaps(tally, pages), visitors


async def keep_pace(visitors: Sequence[Visitor], per_second: float) -> None:
    """Has them say so many messages a second, until it is cancelled."""
    began, count = time.perf_counter(), 0
    while True:
        for _ in range(max(0, int((time.perf_counter() - began) * per_second) - count)):
            visitor = visitors[count % len(visitors)]
            count += 1
            if not visitor.is_waiting and visitor.wire is not None:
                visitor.say()
        await asyncio.sleep(0.5 / per_second)


async def fanout(world: World, effort: Effort) -> Outcome:
    """One visitor begins or stops to type, and many pages show it: from the frame to the last page's fragment. Where
    there are two servers the visitor is at the last and the pages at the first, so that each event goes over Redis."""
    tally = Tally()
    visitors = await crowd(world.urls[-1:], world.key, 1, tally)
    pages = [Page(visitors) for _ in range(effort.watchers)]
    for page in pages:
        await page.open(world.urls[0], world.cookies)
    await asyncio.sleep(1.5)  # the counts in the navigation are told within a second
    took, missed = [], 0
    for number in range(effort.events * effort.runs):
        before = [page.typings for page in pages]
        began = time.perf_counter()
        visitors[0].send("typing", on=number % 2 == 0)
        deadline = began + 5
        while time.perf_counter() < deadline and any(
            page.typings == count for page, count in zip(pages, before, strict=True)
        ):
            await asyncio.sleep(0.005)
        missed += sum(page.typings == count for page, count in zip(pages, before, strict=True))
        took.append(max(page.typing_at for page in pages) - began)
        await asyncio.sleep(0.05)
    runs = [took[at :: effort.runs] for at in range(effort.runs)]
    return {
        "pages": len(pages),
        "servers": len(world.urls),
        "last": milliseconds(runs),
        "missed": missed,
        **_mishaps(tally, pages),
    }, []
