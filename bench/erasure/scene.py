"""The scene: twenty visitors write at a steady pace, and somebody with a long history is erased meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.erasure.asking import Asking
from bench.erasure.memory import Watch
from bench.erasure.sizes import PER_SECOND, VISITORS, Effort
from bench.erasure.timing import Timed, told
from bench.live.scenes import Outcome, keep_pace, milliseconds
from bench.live.visitors import Tally, crowd, drain
from bench.live.world import World, keep_stores

# What other sweeps began is over, and what was told is written.
SETTLE_SECONDS = 1.0


async def erased(world: World, effort: Effort, people: Mapping[str, str], log: Path) -> Outcome:
    """Erases `people` (uuids by name) one after the other, each after some seconds in which the visitors only write: of
    each what `_one` says, by name. `log`: where the server tells of its transactions."""
    tally = Tally()
    visitors = await crowd(world.urls, world.key, VISITORS, tally)
    pace = asyncio.create_task(keep_pace(visitors, PER_SECOND))
    asking = await asyncio.to_thread(Asking, world.urls[0])
    found: dict[str, Any] = {}
    for name, person in people.items():
        # The thread that erases has a connection of its own by then.
        await asyncio.to_thread(keep_stores)
        await asyncio.sleep(SETTLE_SECONDS)
        tally.take()
        await asyncio.sleep(effort.seconds)
        before = tally.take()
        one = await _one(world.processes[0], asking, person, log)
        during = tally.take()
        found[name] = one | {
            "ack_before": milliseconds([before]),
            "ack": milliseconds([during]),
            "ack_most": round(1000 * max(during), 1),
        }
    pace.cancel()
    found["unanswered"] = await drain(visitors)
    found["refused"], found["closed"] = len(tally.refused), len(tally.closed)
    return found, visitors


async def _one(process: int, asking: Asking, person: str, log: Path) -> dict[str, Any]:
    """Erases one: `seconds` in all, `counts` of rows, `parts` in seconds, `transactions`, and the memory."""
    watch = Watch(process)
    watching = asyncio.create_task(watch.keep())
    began = time.monotonic()
    said = await asyncio.to_thread(asking.erase, person)
    ended = time.monotonic()
    watching.cancel()
    await asyncio.sleep(SETTLE_SECONDS)
    timed = told(log, began, ended)
    return {
        "counts": said["counts"],
        "seconds": round(max(one.at for one in timed) - began, 3),
        "parts": parts(timed),
        "transactions": transactions(timed),
        "memory": watch.found(),
    }


def parts(timed: list[Timed]) -> dict[str, float]:
    """Seconds of each part of an erasure, all its tries together."""
    found: dict[str, float] = {}
    for one in timed:
        if one.is_part:
            found[one.what] = round(found.get(one.what, 0.0) + one.seconds, 3)
    return found


def transactions(timed: list[Timed]) -> dict[str, Any]:
    """How many the erasing made, the longest of each kind (ms, and how many its thread was at work), the `longest` of
    all, and the longest of anybody else's in ms."""
    kinds: dict[str, Timed] = {}
    ours = [one for one in timed if one.of_erasing and not one.is_part]
    for one in ours:
        if one.what not in kinds or kinds[one.what].seconds < one.seconds:
            kinds[one.what] = one
    longest = sorted(kinds.values(), key=lambda one: one.seconds, reverse=True)
    each = [
        {"what": one.what, "ms": round(1000 * one.seconds, 1), "busy_ms": round(1000 * one.busy, 1)}
        for one in longest
    ]
    others = max((one.seconds for one in timed if not one.of_erasing), default=0.0)
    return {"count": len(ours), "longest": each[0], "kinds": each, "others_ms": round(1000 * others, 1)}
