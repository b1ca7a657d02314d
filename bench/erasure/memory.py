"""What a process holds in memory of its own, while it is watched."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

LOOK_SECONDS = 0.02


def own_mb(process: int) -> float:
    """Its own memory, without the pages of files that it looks at: those are the system's, which takes them back when it
    likes, and SQLite looks at the database so."""
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"^RssAnon:\s*(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class Watch:
    """Looks at a process's memory again and again, from now on."""

    def __init__(self, process: int) -> None:
        self.process = process
        self.before = self.most = own_mb(process)

    async def keep(self) -> None:
        """Watches until it is cancelled."""
        while True:
            self.most = max(self.most, own_mb(self.process))
            await asyncio.sleep(LOOK_SECONDS)

    def found(self) -> dict[str, float]:
        """MB `before`, and how much `above` it there were at most."""
        return {"before": round(self.before, 1), "above": round(self.most - self.before, 1)}
