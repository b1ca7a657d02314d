"""What was promised, and by how much it was kept or missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.classes import ALL, CLASSES
from bench.classes import TITLES as CLASS_TITLES
from bench.figures import p, shown
from bench.places import TITLES, scales_up_to

Result = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """`measured` should be `limit` at most; or at least, where `is_least`. `worst`: what it was measured at."""

    name: str
    limit: float
    measured: float
    unit: str
    worst: str = ""
    is_least: bool = False
    is_bound: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.is_least else self.measured <= self.limit

    @property
    def margin(self) -> str:
        """`met, 42 % of it` or `MISSED, 1.4 times it`."""
        part = self.measured / self.limit
        if self.is_met:
            return f"met, {part:.1f} times it" if self.is_least else f"met, {100 * part:.0f} % of it"
        return f"MISSED, {100 * part:.0f} % of it" if self.is_least else f"MISSED, {part:.1f} times it"

    @property
    def row(self) -> list[str]:
        """Name, limit, what was measured and where, and the margin."""
        sign, bound = ("≥" if self.is_least else "≤"), ("≥ " if self.is_bound else "")
        measured = f"{bound}{shown(self.measured)} {self.unit}"
        where = f" ({self.worst})" if self.worst else ""
        return [self.name, f"{sign} {shown(self.limit)} {self.unit}", f"{measured}{where}", self.margin]


def targets(engines: dict[str, Result], scale: str) -> list[Target]:
    """Those of the targets that the sections measured, each by its worst class, filter or order."""
    return [target for engine, result in engines.items() for target in _of_engine(engine, result, scale)]


def _of_engine(engine: str, result: Result, scale: str) -> Iterator[Target]:
    title = TITLES[engine]
    is_postgresql = engine == "postgresql"
    if "search" in result:
        limit, kind = (25.0, "database") if is_postgresql else (40.0, "whole")
        yield _worst_class(f"{title}: message search, p95", limit, result["search"], kind)
    if "http" in result and is_postgresql:
        yield _worst_class(
            f"{title}: message search, whole answer, p95", 60.0, result["http"]["messages"], "http"
        )
    if "filters" in result:
        for part, limit in (("p95", 50.0), ("p99", 80.0)):
            measured = p(result["filters"]["times"][ALL]["whole"], part)
            yield Target(f"{title}: message search with filters, {part}", limit, measured, "ms")
    if "people" in result:
        yield from _of_list(title, result["people"])
    if "admin" in result and is_postgresql:
        yield from _of_admin(title, result["admin"])
    if result.get("ilike") and result["ilike"]["terms"]:
        found = result["ilike"]["terms"]
        worst = min(found, key=lambda one: one["theirs"] / one["ours"])
        ratio = worst["theirs"] / worst["ours"]
        yield Target(
            f"{title}: times as fast as ILIKE with trigrams", 10, ratio, "×", worst["term"], is_least=True
        )
    if "growth" in result and scale != "small":
        yield _of_growth(title, result["growth"], scale, "database")


def _of_list(title: str, people: Result) -> Iterator[Target]:
    orders = {name: found for name, found in people["first"]["times"].items() if name.startswith("sort=")}
    worst = max(orders, key=lambda name: p(orders[name]["database"]))
    measured = p(orders[worst]["database"])
    yield Target(f"{title}: the list, each order with each filter, p95", 25.0, measured, "ms", worst)
    far = {
        name.removeprefix("far "): p(found["database"], "p50")
        / p(people["far"][f"first{name[3:]}"]["database"], "p50")
        for name, found in people["far"].items()
        if name.startswith("far ")
    }
    worst = max(far, key=far.__getitem__)
    name = f"{title}: page {people['far']['page']:,} beside page 1, p50"
    yield Target(name, 2.0, far[worst], "×", f"sort={worst}")


def _of_admin(title: str, found: list[Result]) -> Iterator[Target]:
    worst = min(found, key=lambda one: one["theirs"] / one["ours"])
    ratio = worst["theirs"] / worst["ours"]
    yield Target(
        f"{title}: times as fast as a stock admin",
        1000,
        ratio,
        "×",
        worst["term"],
        is_least=True,
        is_bound=worst["broken_off"],
    )


def _of_growth(title: str, growth: Result, scale: str, kind: str) -> Target:
    first = scales_up_to(scale)[0]
    ratios = {
        name: p(growth[scale][name][kind]) / p(growth[first][name][kind])
        for name in CLASSES
        if name in growth[scale] and name in growth[first]
    }
    worst = max(ratios, key=ratios.__getitem__)
    return Target(f"{title}: p95 at {scale} beside {first}", 2.0, ratios[worst], "×", CLASS_TITLES[worst])


def _worst_class(name: str, limit: float, found: Result, kind: str) -> Target:
    measured = {key: p(found[key][kind]) for key in CLASSES if key in found}
    worst = max(measured, key=measured.__getitem__)
    return Target(name, limit, measured[worst], "ms", CLASS_TITLES[worst])
