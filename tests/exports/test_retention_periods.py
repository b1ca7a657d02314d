"""Days and months by the calendar: what is kept for a time is kept to the end of that day, and not a day more."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.periods import cutoff, goes_on, later
from exports.retention_models import Unit

UTC = dt.UTC


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "unit", "day", "expected"),
    [
        (90, "days", "2026-06-30", "2026-04-01T00:00"),
        (1, "days", "2024-03-01", "2024-02-29T00:00"),
        (1, "days", "2025-03-01", "2025-02-28T00:00"),
        (1, "months", "2025-03-31", "2025-02-28T00:00"),
        (1, "months", "2024-03-30", "2024-02-29T00:00"),
        (12, "months", "2025-02-28", "2024-02-28T00:00"),
        (12, "months", "2024-02-29", "2023-02-28T00:00"),
        (24, "months", "2028-03-02", "2026-03-02T00:00"),
        (13, "months", "2026-01-15", "2024-12-15T00:00"),
    ],
)
def test_the_cutoff_of_a_day(amount: int, unit: str, day: str, expected: str) -> None:
    assert cutoff(amount, unit, dt.date.fromisoformat(day)) == moment(expected)


@pytest.mark.parametrize(
    ("amount", "unit", "at", "day"),
    [
        (90, "days", "2026-04-01T00:00", "2026-07-01"),
        (90, "days", "2026-03-31T23:59:59.999999", "2026-06-30"),
        (12, "months", "2024-02-29T12:00", "2025-03-01"),
        (1, "months", "2025-01-30T08:00", "2025-03-01"),
        (24, "months", "2026-03-01T10:00", "2028-03-02"),
        (1, "months", "2025-12-31T10:00", "2026-02-01"),
    ],
)
def test_the_day_on_which_something_goes(amount: int, unit: str, at: str, day: str) -> None:
    assert goes_on(amount, unit, moment(at)) == dt.date.fromisoformat(day)


@given(
    at=st.floats(0, 3e9).map(lambda seconds: dt.datetime.fromtimestamp(seconds, UTC)),
    unit=st.sampled_from(Unit.values),
    amount=st.integers(1, 240),
)
def test_that_day_is_the_first_whose_cutoff_lies_after_it(at: dt.datetime, unit: str, amount: int) -> None:
    day = goes_on(amount, unit, at)
    assert cutoff(amount, unit, day) > at
    assert cutoff(amount, unit, day - dt.timedelta(days=1)) <= at


def test_days_are_those_of_the_installation(settings: object) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # type: ignore[attr-defined]
    # Summer time begins there between the two: the cutoff is midnight on the clock, not so many hours.
    assert cutoff(30, "days", dt.date(2026, 10, 10)) == moment("2026-09-09T12:00")
    assert cutoff(1, "days", dt.date(2026, 10, 10)) == moment("2026-10-08T11:00")
    assert goes_on(1, "days", moment("2026-10-08T11:00")) == dt.date(2026, 10, 11)
    assert goes_on(1, "days", moment("2026-10-08T10:59")) == dt.date(2026, 10, 10)


def test_months_after_a_day() -> None:
    assert later(dt.date(2026, 1, 31), 1) == dt.date(2026, 2, 28)
    assert later(dt.date(2026, 1, 31), 13) == dt.date(2027, 2, 28)
