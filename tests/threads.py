"""Work in threads that leave no database connection behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

Result = TypeVar("Result")


def disconnecting(work: Callable[[], Result]) -> Callable[[], Result]:
    """`work`, giving its thread's connections back when it ends."""

    def worked() -> Result:
        try:
            return work()
        finally:
            connections.close_all()

    return worked


def together(*works: Callable[[], Result], seconds: float = 30) -> list[Result | Exception]:
    """Runs each in a thread of its own, all starting at once. Returns what each gave, or the exception it raised."""
    start = threading.Barrier(len(works))
    results: list[Result | Exception] = [TimeoutError()] * len(works)

    def run(number: int, work: Callable[[], Result]) -> None:
        start.wait(seconds)
        try:
            results[number] = disconnecting(work)()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number, work)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return results
