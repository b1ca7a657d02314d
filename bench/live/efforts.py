"""How much is measured at each scale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """`runs` windows of `seconds`, after `warm` seconds that don't count. Visitors that write, pages that watch one
    event, and how many `events`; sockets that only stay, watched for `idle_seconds`; visitors that come at once."""

    runs: int
    seconds: float
    warm: float
    visitors: int
    watchers: int
    events: int
    idle: int
    idle_seconds: float
    arrivals: int


EFFORTS = {
    "small": Effort(3, 1.0, 0.5, 50, 50, 10, 200, 3.0, 100),
    "medium": Effort(5, 4.0, 2.0, 200, 500, 20, 1_000, 30.0, 500),
    "full": Effort(5, 10.0, 3.0, 200, 500, 40, 5_000, 60.0, 1_000),
}
