"""What an import counts, and how it tells of what it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

OUTCOMES = ("new", "changed", "unchanged", "refused")
COUNTED = ("people", "conversations", "messages")
OTHERS = "other rows"


class Tally:
    """Rows by kind and outcome. `say` is given a line for each that is refused."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, outcome: str, number: int = 1) -> None:
        """Counts rows; kinds that have no line of their own are counted together."""
        self.counts[(_line(kind), outcome)] += number

    def refuse(self, kind: str, place: str, reason: str) -> None:
        """Counts a refused row and tells why: `file:line: reason`."""
        self.add(kind, "refused")
        self.say(f"{place}: {reason}")

    @property
    def written(self) -> int:
        """How many rows went in or changed what was there."""
        return sum(number for (_, outcome), number in self.counts.items() if outcome in ("new", "changed"))

    @property
    def refused(self) -> int:
        """How many rows didn't go in."""
        return sum(number for (_, outcome), number in self.counts.items() if outcome == "refused")

    def lines(self) -> list[str]:
        """`messages: 214 new, 0 changed, 3 unchanged, 1 refused`, and the same of the others."""
        return [
            f"{kind}: " + ", ".join(f"{self.counts[(kind, outcome)]:,} {outcome}" for outcome in OUTCOMES)
            for kind in (*COUNTED, OTHERS)
        ]


def _line(kind: str) -> str:
    if kind == "profile":
        return "people"
    return kind if kind in COUNTED else OTHERS
