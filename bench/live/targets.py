"""What the live part was promised to do, and by how much it was kept or missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures import p
from bench.places import TITLES
from bench.targets import Target

Result = dict[str, Any]
PER_SECOND = {"sqlite": 3_500.0, "postgresql": 2_000.0}
TIMES_STOCK = 4.0


def targets(engines: dict[str, Result]) -> list[Target]:
    """Those that were measured, of each database system."""
    return [target for engine, result in engines.items() for target in _of_engine(engine, result)]


def _of_engine(engine: str, result: Result) -> Iterator[Target]:
    title = TITLES[engine]
    if "messages" in result:
        ours = result["messages"]["per_second"]["median"]
        yield Target(f"{title}: acknowledged a second", PER_SECOND[engine], ours, "/s", is_least=True)
        if "stock" in result:
            ratio = ours / max(result["stock"]["per_second"]["median"], 0.1)
            yield Target(f"{title}: times the stock consumer", TIMES_STOCK, ratio, "×", is_least=True)
    if "told" in result.get("steady", {}):
        yield Target(f"{title}: sent to shown at 200/s, p95", 25.0, p(result["steady"]["told"]), "ms")
    for name, where in (("fanout", "in one process"), ("fanout_over_redis", "over Redis")):
        if name in result:
            found = result[name]
            yield Target(
                f"{title}: an event to {found['pages']} pages {where}, the last, p95",
                15.0,
                p(found["last"]),
                "ms",
            )
    yield from _of_crowds(title, result)


def _of_crowds(title: str, result: Result) -> Iterator[Target]:
    if "idle" in result:
        found = result["idle"]
        yield Target(f"{title}: an idle socket", 45.0, found["kilobytes"], "KB")
        yield Target(
            f"{title}: heartbeats of {found['sockets']:,} sockets", 10.0, found["percent"], "% of a core"
        )
    if "arrivals" in result:
        found = result["arrivals"]
        yield Target(
            f"{title}: {found['visitors']:,} at once, to the welcome, p95", 1_000.0, p(found["welcome"]), "ms"
        )
    if "hostile" in result:
        found = result["hostile"]
        yield Target(f"{title}: stuck readers and a flood, memory", 20.0, found["megabytes"], "MB")
        yield Target(f"{title}: stuck readers and a flood, others' ack, p95", 50.0, p(found["ack"]), "ms")
    if "two" in result:
        ratio = result["two"]["per_second"]["median"] / result["messages"]["per_second"]["median"]
        yield Target(f"{title}: two processes beside one", 1.6, ratio, "×", is_least=True)
