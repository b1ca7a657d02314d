"""How long the histories are that are erased at each scale, and who writes meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

VISITORS, PER_SECOND = 20, 40
# What a server's first erasure makes is no erasure's.
WARM_MESSAGES = 500


@dataclass(frozen=True)
class Effort:
    """A short history and a long one, in messages, beside somebody's who stays; `seconds` of writing before each that
    it is compared with."""

    short: int
    long: int
    staying: int
    seconds: float


EFFORTS = {
    "small": Effort(2_000, 30_000, 10_000, 3.0),
    "medium": Effort(10_000, 200_000, 100_000, 10.0),
    "full": Effort(10_000, 1_000_000, 500_000, 20.0),
}
