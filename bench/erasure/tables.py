"""What came out of the erasures, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.erasure.sizes import VISITORS
from bench.figures import p, shown
from bench.places import TITLES
from bench.tables import table, taken_on
from bench.targets import Target

Result = dict[str, Any]
TRANSACTION_MS, ACK_MS, ACK_TIMES, GROWTH_MB = 250.0, 50.0, 10.0, 10.0
HISTORIES = ("short", "long")


def report(document: Result) -> str:
    """All tables of one run."""
    parts = [taken_on(document)]
    for engine, result in document["erasure"].items():
        parts += [f"#### Erasing beside {VISITORS} visitors: {TITLES[engine]}", _table(result)]
        parts += list(_words(result))
    if document["scale"] != "full":
        parts.append("The targets are set for the full scale.")
    rows = [target.row for target in targets(document["erasure"])]
    parts += ["#### Targets", table(["target", "limit", "measured", ""], rows)]
    return "\n\n".join(parts)


def _table(result: Result) -> str:
    rows = [_row(result[name]) for name in HISTORIES]
    heads = ["in all, s", "overwriting", "looking for what is left", "transactions", "longest, ms"]
    heads += ["ack p95 before", "ack p95 meanwhile", "most", "memory above idle, MB"]
    return table(["erasure of", *heads], rows)


def _row(one: Result) -> list[str]:
    found = one["transactions"]
    return [
        f"{one['counts']['messages']:,} messages",
        f"{one['seconds']:.1f}",
        f"{one['parts'].get('overwrite', 0):.2f}",
        f"{one['parts'].get('look', 0):.2f}",
        f"{found['count']:,}",
        shown(found["longest"]["ms"]),
        shown(p(one["ack_before"])),
        shown(p(one["ack"])),
        shown(one["ack_most"]),
        f"{one['memory']['above']:.1f}",
    ]


def _words(result: Result) -> Iterator[str]:
    longest = result["long"]["transactions"]["longest"]
    yield (
        f"The longest of the transactions: {longest['what']}, {shown(longest['busy_ms'])} ms of it at work in the server's"
        " process."
    )
    if canaries := result.get("canaries"):
        after = sum(len(words) for words in canaries["after"].values())
        yield (
            f"Of {canaries['planted']} words that stood nowhere else {_held(canaries['before'])} were in the files before,"
            f" and {after} afterwards."
        )


def _held(files: dict[str, list[str]]) -> int:
    return len({word for words in files.values() for word in words})


def targets(engines: Result) -> Iterator[Target]:
    """What was promised of the longer history."""
    for engine, result in engines.items():
        title, one = TITLES[engine], result["long"]
        longest = one["transactions"]["longest"]
        yield Target(
            f"{title}: the longest transaction", TRANSACTION_MS, longest["ms"], "ms", longest["what"]
        )
        yield Target(f"{title}: {VISITORS} visitors' ack meanwhile, p95", ACK_MS, p(one["ack"]), "ms")
        ratio = p(one["ack"]) / max(p(one["ack_before"]), 0.1)
        yield Target(f"{title}: that beside before", ACK_TIMES, ratio, "×")
        growth = max(0.0, one["memory"]["above"] - result["short"]["memory"]["above"])
        yield Target(f"{title}: memory, from the short history to the long", GROWTH_MB, growth, "MB")
