"""How long the transactions of a process are, told line by line as they end. For the benchmark's own server."""

from __future__ import annotations

import functools
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connections, transaction
from django.db.backends.signals import connection_created

# Other people's are told where they are long.
OTHERS_SECONDS = 0.05
Began = tuple[float, float]


def moment() -> Began:
    """Now: time.monotonic, and the processor time of this thread."""
    return time.monotonic(), time.thread_time()


@dataclass(frozen=True)
class Timed:
    """A transaction, a statement outside any, or a `part` of an erasure: when it ended (time.monotonic, which all
    processes share), how many seconds it took, how many of them its thread was at work, what it was, and whether the
    erasing did it."""

    at: float
    seconds: float
    busy: float
    what: str
    of_erasing: bool
    is_part: bool = False


class Teller:
    """Writes what was timed into a file, a line each."""

    def __init__(self, out: Path) -> None:
        self.file = open(out, "a", buffering=1)  # noqa: SIM115 - as long as the process
        self.here = threading.local()

    def tell(self, began: Began, what: str, *, is_part: bool = False) -> None:
        """Something ended that began then."""
        now = time.monotonic()
        of_erasing = self._is_erasing() or what.startswith("exports.")
        if of_erasing or now - began[0] >= OTHERS_SECONDS:
            timed = Timed(now, now - began[0], time.thread_time() - began[1], what, of_erasing, is_part)
            self.file.write(json.dumps(asdict(timed)) + "\n")

    def listen(self, connection: Any, **_: Any) -> None:
        """To what a connection does; it may be opened again and again."""
        if self.statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.statement)

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Around every statement; one inside a transaction is that one's."""
        if context["connection"].in_atomic_block or sql.startswith("BEGIN"):
            return execute(sql, params, many, context)
        began = moment()
        try:
            return execute(sql, params, many, context)
        finally:
            self.tell(began, sql[:60])

    def part(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Around a function that is a part of an erasure."""

        @functools.wraps(work)
        def timed(*args: Any) -> Any:
            began = moment()
            try:
                return work(*args)
            finally:
                self.tell(began, work.__name__, is_part=True)

        return timed

    def _is_erasing(self) -> bool:
        jobs = sys.modules.get("chatadmin.jobs")
        return jobs is not None and threading.current_thread() is jobs.ERASURES.thread


def tell_transactions(teller: Teller) -> None:
    """From now on every outermost `atomic` of this process is told, from when it has begun (on SQLite: holds the lock)
    until it is committed or rolled back; and every statement outside one."""
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

    def entered(self: transaction.Atomic) -> None:
        is_outermost = not connections[self.using or "default"].in_atomic_block
        enter(self)
        if is_outermost:
            teller.here.what = _caller(sys._getframe(1))
            teller.here.began = moment()

    def left(self: transaction.Atomic, *why: Any) -> None:
        try:
            leave(self, *why)
        finally:
            if not connections[self.using or "default"].in_atomic_block:
                teller.tell(teller.here.began, teller.here.what)

    transaction.Atomic.__enter__ = entered  # type: ignore[method-assign]
    transaction.Atomic.__exit__ = left  # type: ignore[method-assign]
    connection_created.connect(teller.listen, weak=False)


def _caller(frame: FrameType) -> str:
    """Whose transaction it is: the function that wrote `with atomic()`, or that had it done for it."""
    while frame.f_globals.get("__name__") == "exports.short" and frame.f_back is not None:
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"


def told(path: Path, since: float, until: float) -> list[Timed]:
    """What ended between those two moments (time.monotonic)."""
    lines = path.read_text().splitlines() if path.exists() else []
    every = [Timed(**json.loads(line)) for line in lines]
    return [timed for timed in every if since <= timed.at <= until]
