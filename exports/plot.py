"""Where the bars of a small plot stand: numbers for a template, in the units of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from exports.retention_forecast import Month

WIDTH, HEIGHT, TOP, FOOT = 600, 170, 18, 22


@dataclass(frozen=True)
class Bar:
    """One month: where its bar stands, how high it is, and what it says."""

    x: int
    y: int
    width: int
    height: int
    middle: int
    start: date
    rows: int


@dataclass(frozen=True)
class Plot:
    """The picture's size, its ground line and its bars."""

    width: int
    height: int
    ground: int
    bars: Sequence[Bar]


def plot(months: Sequence[Month]) -> Plot:
    """A bar for each month, the highest as high as there is room; a month in which anything goes has a bar to see."""
    ground = HEIGHT - FOOT
    room, tallest = ground - TOP, max([month.rows for month in months], default=0)
    step = WIDTH // max(1, len(months))
    bars = []
    for place, month in enumerate(months):
        height = max(2, round(room * month.rows / tallest)) if month.rows else 0
        x = place * step
        bars.append(Bar(x + 5, ground - height, step - 10, height, x + step // 2, month.start, month.rows))
    return Plot(WIDTH, HEIGHT, ground, bars)
