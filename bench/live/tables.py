"""What came out of the live scenes, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures import p, shown, spread, times
from bench.live.efforts import EFFORTS
from bench.live.targets import targets
from bench.places import TITLES
from bench.tables import table, taken_on

Result = dict[str, Any]
CORES_FOR_TWO = 6


def report(document: Result) -> str:
    """All tables of the live scenes of one run."""
    hardware, effort = document["hardware"], EFFORTS[document["scale"]]
    parts = [taken_on(document) + f" {effort.runs} runs of {effort.seconds:g} s each."]
    for engine, result in document["live"].items():
        parts += [part for part in _of_engine(engine, result) if part]
    found = targets(document["live"])
    if found:
        if document["scale"] != "full":
            parts.append("The targets are set for the full scale.")
        parts += ["#### Targets", table(["target", "limit", "measured", ""], [one.row for one in found])]
    if hardware["cores"] < CORES_FOR_TWO:
        parts.append(f"Two processes beside one: not measured, for that takes {CORES_FOR_TWO} cores.")
    return "\n\n".join(parts)


def _of_engine(engine: str, result: Result) -> Iterator[str]:
    title = TITLES[engine] + (" and Redis" if engine == "postgresql" else "")
    rows = [
        _load(name, result[key])
        for key, name in (
            ("messages", "ours, as fast as it goes"),
            ("two", "two processes"),
            ("stock", "stock, as fast as it goes"),
            ("steady", "ours at 200/s"),
            ("stock_steady", "stock at 200/s"),
        )
        if key in result
    ]
    if rows:
        yield f"#### Messages: {title}"
        yield table(
            ["", "acknowledged/s", "ack p50", "ack p95", "shown p50", "shown p95", "never shown", "lost"],
            rows,
        )
    if "messages" in result and "stock" in result:
        ratio = result["messages"]["per_second"]["median"] / max(result["stock"]["per_second"]["median"], 0.1)
        yield f"Ours beside the stock consumer: {times(ratio)} as many a second."
    rows = [
        [where, f"{result[key]['pages']:,}", *_three(result[key]["last"]), f"{result[key]['missed']:,}"]
        for key, where in (("fanout", "in one process"), ("fanout_over_redis", "over Redis"))
        if key in result
    ]
    if rows:
        yield f"#### One event to many pages, ms to the last: {title}"
        yield table(["", "pages", "p50", "p95", "p99", "never shown"], rows)
    yield from _crowds(title, result)


def _load(name: str, found: Result) -> list[str]:
    rate = found["per_second"]
    told = found.get("told")
    return [
        name,
        f"{rate['median']:,.0f} ({rate['low']:,.0f}–{rate['high']:,.0f})",
        shown(p(found["ack"], "p50")),
        spread(found["ack"]),
        shown(p(told, "p50")) if told else "–",
        spread(told) if told else "–",
        f"{found['untold']:,}",
        f"{found['proof']['lost']:,}",
    ]


def _three(found: Result) -> list[str]:
    return [shown(p(found, "p50")), spread(found), shown(p(found, "p99"))]


def _crowds(title: str, result: Result) -> Iterator[str]:
    lines = []
    if "idle" in result:
        found = result["idle"]
        lines.append(
            f"{found['sockets']:,} idle sockets: {found['kilobytes']} KB each, their heartbeats {found['percent']} % of a"
            f" core; presence wrong for {found['wrong_dots']}."
        )
    if "arrivals" in result:
        found = result["arrivals"]
        lines.append(
            f"{found['visitors']:,} visitors at once, ms to the welcome: p50 {shown(p(found['welcome'], 'p50'))}, p95"
            f" {spread(found['welcome'])}; {found['refused']} refused."
        )
    if "hostile" in result:
        found = result["hostile"]
        lines.append(
            f"Readers that never read, and a flood ({found['nonsense']:,} frames of nonsense): memory grew by"
            f" {found['megabytes']} MB; others' ack p95 {spread(found['ack'])} ms; {found['closed']} of them closed."
        )
    if lines:
        yield f"#### Many sockets: {title}"
        yield "\n".join(f"- {line}" for line in lines)
