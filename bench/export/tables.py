"""What came out of the exports, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures import shown, times
from bench.places import TITLES
from bench.tables import table, taken_on
from bench.targets import Target

Result = dict[str, Any]
RATIO, MEMORY_MB, FIRST_MS, GROWTH_MB = 4.0, 70.0, 200.0, 20.0


def report(document: Result) -> str:
    """All tables of one run."""
    parts = [taken_on(document) + " Medians."]
    for engine, result in document["export"].items():
        parts += [f"#### In a process of its own: {TITLES[engine]}", _inside(result["inside"])]
        parts += [f"#### Through the server: {TITLES[engine]}", _served(result["served"])]
    if document["scale"] != "full":
        parts.append("The targets are set for the full scale.")
    rows = [target.row for target in targets(document["export"])]
    parts += ["#### Targets", table(["target", "limit", "measured", ""], rows)]
    return "\n\n".join(parts)


def _inside(found: list[Result]) -> str:
    rows = [
        [
            f"{row['messages']:,} messages, {row['form'].upper()}",
            f"{row['ours']['seconds']:.2f}",
            f"{row['messages'] / row['ours']['seconds']:,.0f}",
            f"{row['ours']['peak_mb']:,.0f}",
            f"{row['stock']['seconds']:.2f}",
            f"{row['messages'] / row['stock']['seconds']:,.0f}",
            f"{row['stock']['peak_mb']:,.0f}",
            times(_ratio(row)),
        ]
        for row in found
    ]
    heads = ["ours, s", "rows/s", "MB above idle", "stock, s", "rows/s", "MB above idle", "ratio"]
    return table(["export of", *heads], rows)


def _served(found: list[Result]) -> str:
    rows = [
        [
            f"{row['messages']:,} messages, {row['form'].upper()}",
            shown(row["first_ms"]),
            f"{row['seconds']:.2f}",
            f"{row['bytes'] / 1e6:,.1f}",
            f"{row['memory_mb']:,.0f}",
        ]
        for row in found
    ]
    return table(["export of", "first byte, ms", "whole, s", "MB", "memory above idle, MB"], rows)


def targets(engines: Result) -> Iterator[Target]:
    """What was promised of the longest history."""
    for engine, result in engines.items():
        title = TITLES[engine]
        longest = max(row["messages"] for row in result["inside"])
        long = [row for row in result["inside"] if row["messages"] == longest]
        worst = min(long, key=_ratio)
        yield Target(
            f"{title}: beside stock export()", RATIO, _ratio(worst), "×", worst["form"], is_least=True
        )
        served = result["served"]
        slow = max(served, key=lambda row: row["first_ms"])
        yield Target(f"{title}: first byte", FIRST_MS, slow["first_ms"], "ms", _named(slow))
        heavy = max(served, key=lambda row: row["memory_mb"])
        yield Target(
            f"{title}: the server's memory above idle", MEMORY_MB, heavy["memory_mb"], "MB", _named(heavy)
        )
        growth = max(_growth(served, form) for form in {row["form"] for row in served})
        yield Target(f"{title}: of that, from the short history to the long", GROWTH_MB, growth, "MB")


def _ratio(row: Result) -> float:
    return float(row["stock"]["seconds"] / row["ours"]["seconds"])


def _growth(served: list[Result], form: str) -> float:
    by_length = sorted((row for row in served if row["form"] == form), key=lambda row: row["messages"])
    return float(max(0.0, by_length[-1]["memory_mb"] - by_length[0]["memory_mb"]))


def _named(row: Result) -> str:
    return f"{row['messages']:,}, {row['form']}"
