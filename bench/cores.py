"""Who works on which core: the server's work on one, the load and PostgreSQL on another."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path


@functools.cache
def cores() -> tuple[int, int] | None:
    """The core for the server's work and the one for the load; None where there are not two, or none can be chosen.

    As they were free when it was first asked, before this process chose one.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else None


def pin(core: int, process: int = 0) -> bool:
    """Keeps a process (0: this one, and the threads that it starts from now on) on a core; False where it can't be."""
    try:
        os.sched_setaffinity(process, {core})
    except (OSError, AttributeError):
        return False
    return True


def pin_postgresql(processes: list[int], core: int) -> int:
    """Keeps those of PostgreSQL's own processes that run on this machine on a core. Returns how many obeyed."""
    obeyed = 0
    for process in processes:
        with contextlib.suppress(OSError):
            # On another machine the same number may be anybody's here.
            if "postgres" in Path(f"/proc/{process}/cmdline").read_text():
                obeyed += pin(core, process)
    return obeyed
