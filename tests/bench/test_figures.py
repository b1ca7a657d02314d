"""bench/figures.py: percentiles, their median and spread over runs, and how they are written."""

from __future__ import annotations

import pytest

from bench.figures import p, percentile, share, shown, spread, summary, times


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, part) for part in (0.0, 0.5, 0.95, 0.99, 1.0)] == [1, 50, 95, 99, 100]
    assert [percentile([3.0, 1.0, 2.0], part) for part in (0.5, 0.95)] == [2, 3]
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_of_several_runs_the_middle_one_counts_and_the_outer_ones_are_told() -> None:
    found = summary([[1.0, 2.0], [1.0, 9.0], [1.0, 4.0]])
    assert (found["count"], found["runs"]) == (2, 3)
    assert found["p95"] == {"median": 4.0, "low": 2.0, "high": 9.0}
    assert (p(found), p(found, "p50")) == (4.0, 1.0)
    assert spread(found) == "4.00 (2.00–9.00)"


@pytest.mark.parametrize(
    ("value", "text"), [(0.844, "0.84"), (12.34, "12.3"), (431.4, "431"), (41_200.0, "41,200")]
)
def test_times_have_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("messages", "text"), [(0, "0"), (1, "1 message"), (14, "0.014 %"), (1_300, "1.3 %"), (20_140, "20.1 %")]
)
def test_shares_are_percent(messages: int, text: str) -> None:
    assert share(messages, 100_000) == text


def test_ratios() -> None:
    assert [times(value) for value in (0.84, 12.3, 1_240.4)] == ["0.8 ×", "12.3 ×", "1,240 ×"]
