"""How much goes into a transaction follows from how long the last one took; and others get their turn."""

from __future__ import annotations

import pytest

from exports import pacing
from exports.pacing import REST_SECONDS, SECONDS, STEP, Pace


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was rested, without resting."""
    slept: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", slept.append)
    return slept


def test_it_finds_the_amount_that_takes_the_wanted_time() -> None:
    pace = Pace(500, least=50, most=100_000)
    per_row = SECONDS / 3_000
    for _ in range(10):
        pace.rest(pace.amount * per_row)
    assert pace.amount == pytest.approx(3_000, rel=0.01)


def test_one_that_was_quick_by_chance_makes_the_next_twice_as_large_at_most() -> None:
    pace = Pace(500, least=50, most=5_000)
    pace.rest(0.0)
    assert pace.amount == 500 * STEP


def test_a_slow_one_makes_the_next_smaller_at_once() -> None:
    pace = Pace(1_000, least=50, most=5_000)
    pace.rest(10 * SECONDS)
    assert pace.amount == 100


@pytest.mark.parametrize(("seconds", "amount"), [(60.0, 50), (0.0, 800)])
def test_it_keeps_within_its_bounds(seconds: float, amount: int) -> None:
    pace = Pace(500, least=50, most=800)
    for _ in range(5):
        pace.rest(seconds)
    assert pace.amount == amount


def test_more_than_there_may_be_is_cut_and_so_is_the_least() -> None:
    pace = Pace(500, least=50, most=20)
    assert (pace.amount, pace.least) == (20, 20)


def test_the_rest_of_the_work_says_nothing_about_the_pace() -> None:
    pace = Pace(500, least=50, most=5_000)
    pace.rest(0.001, was_whole=False)
    assert pace.amount == 500


def test_after_one_that_was_cut_off_half_as_much() -> None:
    pace = Pace(120, least=50, most=5_000)
    amounts = []
    for _ in range(3):
        pace.slow_down()
        amounts.append(pace.amount)
    assert amounts == [60, 50, 50]


def test_others_get_as_long_as_it_took_and_no_more_than_a_moment(rests: list[float]) -> None:
    pace = Pace(500, least=50, most=5_000)
    for seconds in (0.03, 7.0):
        pace.rest(seconds)
    assert rests == [0.03, REST_SECONDS]
