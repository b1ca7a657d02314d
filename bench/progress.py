"""What the benchmark does at the moment, for those who wait."""

from __future__ import annotations

import time


def say(text: str) -> None:
    """Prints a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
