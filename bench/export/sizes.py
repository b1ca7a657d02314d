"""How long the histories are that are exported at each scale, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """A short history and a long one, in messages, each exported `runs` times in each form."""

    short: int
    long: int
    runs: int


EFFORTS = {
    "small": Effort(2_000, 20_000, 2),
    "medium": Effort(10_000, 200_000, 3),
    "full": Effort(10_000, 1_000_000, 1),
}
FORMS = ("json", "csv")
EXPORTERS = ("ours", "stock")
