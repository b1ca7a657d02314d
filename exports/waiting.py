"""For commands: waits until erasures are finished. A running server takes them, so that its pages and sockets hear of
it; where none does, the command does the work itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from exports.erasure import resume_unfinished
from exports.models import Erasure

# A server looks every second.
TAKEN_WITHIN_SECONDS = 5.0
LOOK_SECONDS = 0.2


def until_finished(erasures: Sequence[uuid.UUID], *, seconds: float = 3600.0) -> bool:
    """Whether all of `erasures` were finished in time."""
    deadline, moved_at = time.monotonic() + seconds, time.monotonic()
    before = None
    while time.monotonic() < deadline:
        now = _state(erasures)
        if now is None:
            return True
        if now != before:
            before, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > TAKEN_WITHIN_SECONDS:
            # Nobody serves: the rest is done here without waiting again.
            while resume_unfinished():
                pass
            moved_at = time.monotonic()
        time.sleep(LOOK_SECONDS)
    return False


def _state(erasures: Sequence[uuid.UUID]) -> object:
    """Something that changes while somebody works on them; None once all are finished."""
    left = list(
        Erasure.objects.filter(pk__in=erasures, finished_at=None)
        .order_by("pk")
        .values_list("pk", "leased_until", "counts")
    )
    return left or None
