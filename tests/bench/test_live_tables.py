"""bench/live/targets.py and tables.py: what came out, and what was kept or missed."""

from __future__ import annotations

from typing import Any

import pytest

from bench.live import scenes
from bench.live.scenes import rates
from bench.live.tables import report
from bench.live.targets import targets


def took(milliseconds: float) -> dict[str, Any]:
    return scenes.milliseconds([[milliseconds / 1000] * 3] * 5)


def load(per_second: float, ack: float = 10.0, told: float = 12.0, **more: Any) -> dict[str, Any]:
    return {
        "per_second": rates([per_second - 1, per_second, per_second + 1]),
        "ack": took(ack),
        "told": took(told),
        "unanswered": 0,
        "untold": 0,
        "proof": {"lost": 0},
        **more,
    }


RESULT: dict[str, Any] = {
    "messages": load(4_000),
    "stock": load(800, untold=77),
    "steady": load(200, told=30.0),
    "fanout": {"pages": 500, "last": took(12.0), "missed": 0},
    "idle": {"sockets": 5_000, "kilobytes": 40.0, "percent": 12.0, "wrong_dots": 0},
    "arrivals": {"visitors": 1_000, "welcome": took(1_500.0), "refused": 3},
    "hostile": {"megabytes": 25.0, "ack": took(20.0), "nonsense": 9_000, "closed": 0},
}


def document(cores: int = 2, **engines: Any) -> dict[str, Any]:
    return {
        "made_at": "2026-11-30T12:00:00+00:00",
        "scale": "full",
        "load_average_before": 0.1,
        "hardware": {"processor": "A chip", "cores": cores, "memory_gb": 8, "system": "Linux 6"},
        "live": engines,
    }


@pytest.mark.parametrize(
    ("name", "is_met"),
    [
        ("acknowledged a second", True),
        ("times the stock consumer", True),
        ("sent to shown at 200/s", False),
        ("an event to 500 pages in one process", True),
        ("an idle socket", True),
        ("heartbeats of 5,000", False),
        ("1,000 at once", False),
        ("and a flood, memory", False),
        ("others' ack", True),
    ],
)
def test_each_target_is_kept_or_missed(name: str, is_met: bool) -> None:
    (found,) = [target for target in targets({"sqlite": RESULT}) if name in target.name]
    assert found.is_met is is_met


def test_each_database_has_its_own_rate() -> None:
    found = targets({"sqlite": {"messages": load(2_500)}, "postgresql": {"messages": load(2_500)}})
    assert [(target.limit, target.is_met) for target in found] == [(3_500, False), (2_000, True)]


def test_less_than_four_times_the_stock_consumer_is_missed() -> None:
    found = targets({"postgresql": {"messages": load(3_000), "stock": load(1_000)}})
    assert [target.margin for target in found if "stock" in target.name] == ["MISSED, 75 % of it"]


def test_the_tables_say_all_of_it() -> None:
    text = report(document(sqlite=RESULT, postgresql=RESULT | {"fanout_over_redis": RESULT["fanout"]}))
    assert text.count("#### Messages:") == 2 and "#### Messages: PostgreSQL and Redis" in text
    assert "5.0 × as many a second" in text
    assert "3 refused" in text and "9,000 frames of nonsense" in text
    assert text.count("| over Redis") == 1 and text.count("| in one process") == 2
    (stock,) = {line for line in text.splitlines() if line.startswith("| stock")}
    assert stock.split("|")[-3].strip() == "77"
    assert "Two processes beside one: not measured" in text


def test_two_processes_are_held_against_one() -> None:
    text = report(document(cores=8, postgresql=RESULT | {"two": load(6_000)}))
    assert "not measured" not in text
    (line,) = [line for line in text.splitlines() if "two processes beside one" in line]
    assert "1.50 ×" in line and "MISSED" in line


def test_a_rate_is_the_median_with_its_spread() -> None:
    assert rates([3.0, 1.0, 2.0]) == {"runs": 3, "median": 2.0, "low": 1.0, "high": 3.0}
