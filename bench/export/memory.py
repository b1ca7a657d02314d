"""What a process holds in memory, as Linux tells it."""

from __future__ import annotations

import re
from pathlib import Path


def resident_mb(process: int | str = "self") -> float:
    """What it holds now."""
    return _of(process, "VmRSS")


def peak_mb(process: int | str = "self") -> float:
    """The most that it held since `forget_peak`."""
    return _of(process, "VmHWM")


def forget_peak(process: int | str = "self") -> None:
    """Begins to look for the peak anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def _of(process: int | str, name: str) -> float:
    found = re.search(rf"^{name}:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found is not None, name
    return int(found[1]) / 1024
