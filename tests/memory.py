"""How much memory a piece of work takes at its most."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


class Peak:
    """`bytes`: the most that was held at once, once the work is over."""

    bytes = 0


@contextmanager
def peak() -> Iterator[Peak]:
    """Watches what is done within.

    Beside all that a run of the suite holds, Python collects rarely: what the work has let go of would still be
    counted. So the rest is set aside meanwhile.
    """
    found = Peak()
    gc.collect()
    gc.freeze()
    gc.collect()  # by what is left now it is decided when to collect
    tracemalloc.start()
    try:
        yield found
        found.bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()
