"""The scenes of the many: those who only stay, those who come at once, and those who mean no good."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from bench.live import pages as desk
from bench.live.efforts import Effort
from bench.live.pages import Page
from bench.live.processes import memory, processor_seconds
from bench.live.scenes import Outcome, keep_pace, milliseconds
from bench.live.visitors import Refused, Tally, Visitor, crowd, drain
from bench.live.wire import NotOpened
from bench.live.world import World

GRAY_SECONDS = 15.0
STUCK, FLOODS = 20, 4
# The flood has an address of its own, as far as the system allows.
FLOOD_FROM = "127.0.0.2"
UNREAD_BYTES = 4096
NONSENSE = b'{"type":"message","client_id":[[[[[[[[]]]]]]]],"body":{}}'


async def idle(world: World, effort: Effort) -> Outcome:
    """Visitors who are here and say nothing: memory of each, the processor time of their heartbeats, and whether
    pages know who is here and who went."""
    tally = Tally()
    warm = await crowd(world.urls, world.key, 50, tally)
    await asyncio.sleep(1)
    before = memory(world.processes[0])
    visitors = await crowd(world.urls, world.key, effort.idle, tally)
    await asyncio.sleep(1)
    after = memory(world.processes[0])
    began, used = time.perf_counter(), processor_seconds(world.processes[0])
    await asyncio.sleep(effort.idle_seconds)
    busy = (processor_seconds(world.processes[0]) - used) / (time.perf_counter() - began)
    page = Page(visitors[-100:])
    await page.open(world.urls[0], world.cookies)
    absent = sum(page.dots.get(visitor.uuid) != "online" for visitor in visitors[-100:])
    for visitor in visitors[-50:]:
        visitor.leave()
    wrong = await _gray(page, visitors[-100:])
    return {
        "sockets": len(visitors),
        "kilobytes": round((after - before) / len(visitors) / 1024, 1),
        "percent": round(100 * busy, 2),
        "wrong_dots": absent + wrong,
        "refused": len(tally.refused),
        "closed": len(tally.closed),
        "warm": len(warm),
    }, []


async def _gray(page: Page, visitors: Sequence[Visitor]) -> int:
    """Waits until the page says rightly who left and who is here, as long as that may take. Returns for how many it
    doesn't."""
    deadline = time.perf_counter() + GRAY_SECONDS
    while True:
        wrong = sum((page.dots.get(visitor.uuid) == "online") == visitor.leaving for visitor in visitors)
        if not wrong or time.perf_counter() >= deadline:
            return wrong
        await asyncio.sleep(0.2)


async def arrivals(world: World, effort: Effort) -> Outcome:
    """So many new visitors at the same moment, again in each run: from connecting to the welcome."""
    tally = Tally()
    runs, refused = [], 0
    await crowd(world.urls, world.key, 20, tally)
    for _ in range(effort.runs):
        visitors = [Visitor(number, tally) for number in range(effort.arrivals)]
        came = await asyncio.gather(
            *(visitor.enter(world.urls[0], world.key) for visitor in visitors), return_exceptions=True
        )
        runs.append([value for value in came if isinstance(value, float)])
        refused += sum(not isinstance(value, float) for value in came)
        for visitor in visitors:
            visitor.leave()
        await asyncio.sleep(0.5)
    return {"visitors": effort.arrivals, "welcome": milliseconds(runs), "refused": refused}, []


async def hostile(world: World, effort: Effort) -> Outcome:
    """Pages that never read, and a flood of nonsense from one address, while others talk: how the server's memory
    grows, and how long the others wait. The only scene under the usual limits."""
    tally = Tally()
    visitors = await crowd(world.urls, world.key, effort.visitors, tally)
    pages = await desk.desks(world.urls[0], world.cookies, visitors)
    pace = asyncio.create_task(keep_pace(visitors, effort.visitors / 2))
    await asyncio.sleep(effort.warm)
    tally.take()
    before = memory(world.processes[0])
    for _ in range(STUCK):
        stuck = Page(visitors[:50], visitors[0])
        await stuck.open(world.urls[0], world.cookies, receive_bytes=UNREAD_BYTES)
        stuck.stop_reading()
        pages.append(stuck)
    floods = [asyncio.create_task(_flood(world.urls[0], world.key)) for _ in range(FLOODS)]
    taken, most = [], before
    for _ in range(effort.runs):
        await asyncio.sleep(effort.seconds)
        taken.append(tally.take())
        most = max(most, memory(world.processes[0]))
    pace.cancel()
    sent = await _end(floods)
    left = await drain(visitors)
    return {
        "megabytes": round((most - before) / 1024**2, 1),
        "ack": milliseconds(taken),
        "nonsense": sent,
        "unanswered": left,
        "refused": len(tally.refused),
        "closed": len(tally.closed),
    }, visitors


async def _flood(url: str, key: str) -> int:
    """Says hello, then what is no frame, as fast as it is taken; comes back whenever it is thrown out. Returns how
    many frames."""
    count, token = 0, None
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            visitor = Visitor(0, Tally())
            visitor.token = token
            with contextlib.suppress(OSError, NotOpened, TimeoutError, Refused):
                await visitor.enter(url, key, source=FLOOD_FROM)
                token = visitor.token
                while visitor.wire is not None:
                    for _ in range(20):
                        visitor.wire.send(NONSENSE)
                    count += 20
                    await asyncio.sleep(0.002)
            await asyncio.sleep(0.01)
    return count


async def _end(floods: Sequence[asyncio.Task[int]]) -> int:
    for flood in floods:
        flood.cancel()
    return sum(
        count for count in await asyncio.gather(*floods, return_exceptions=True) if isinstance(count, int)
    )
