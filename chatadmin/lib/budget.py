"""A time budget for reads: what it costs too much to look up is broken off by the database itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from django.db import OperationalError, connection, transaction

# SQLite looks at the clock after so many of its machine's steps: about a tenth of a millisecond.
STEPS = 10_000
LEAST_MS = 1
QUERY_CANCELED = "57014"


class OverBudget(Exception):
    """The time was up before the answer was there."""


class Budget:
    """So many seconds of reading, over any number of reads. What happens between two reads costs nothing."""

    def __init__(self, seconds: float, *, whole: Budget | None = None) -> None:
        self.left = seconds
        self.whole = whole

    def part(self, seconds: float) -> Budget:
        """A budget within this one, of `seconds` at most."""
        return Budget(min(seconds, self.left), whole=self)

    def spend(self, seconds: float) -> None:
        """Takes so many seconds away, here and from the budget that this is part of."""
        self.left -= seconds
        if self.whole is not None:
            self.whole.spend(seconds)

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Breaks off what is read inside once the time is up, with OverBudget. Nothing may be written inside."""
        if self.left <= 0:
            raise OverBudget
        began = time.monotonic()
        try:
            with _on_sqlite(self.left) if connection.vendor == "sqlite" else _on_postgresql(self.left):
                yield
        finally:
            self.spend(time.monotonic() - began)


@contextlib.contextmanager
def _on_postgresql(seconds: float) -> Iterator[None]:
    is_inside = connection.in_atomic_block
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {max(LEAST_MS, round(seconds * 1000)):d}")
            yield
            if is_inside:  # the transaction around goes on without a limit
                cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED:
            raise OverBudget from error
        raise


@contextlib.contextmanager
def _on_sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    raw = connection.connection
    ends = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > ends, STEPS)
    try:
        yield
    except OperationalError as error:
        if str(error) == "interrupted":
            raise OverBudget from error
        raise
    finally:
        raw.set_progress_handler(None, 0)
