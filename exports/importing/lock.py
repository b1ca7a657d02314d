"""One import at a time: two would give their messages the same ids."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings


class Busy(Exception):
    """Another one is at work."""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keeps every other import out for as long as this one lives. Raises Busy."""
    folder = Path(settings.VAR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "import.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
