"""What was measured on: hardware and versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sqlite3
from pathlib import Path
from typing import Any

PACKAGES = ("Django", "psycopg", "uvicorn", "uvloop")


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GB and system."""
    return {
        "processor": _from_file("/proc/cpuinfo", r"model name\s*:\s*(.+)")
        or platform.processor()
        or "unknown",
        "cores": os.cpu_count() or 1,
        "memory_gb": round(int(_from_file("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1024**2),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Of Python, SQLite and the packages that matter; PostgreSQL tells its own."""
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def load_average() -> float:
    """How many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2)


def _from_file(path: str, pattern: str) -> str:
    try:
        match = re.search(pattern, Path(path).read_text())
    except OSError:
        return ""
    return match[1].strip() if match else ""
