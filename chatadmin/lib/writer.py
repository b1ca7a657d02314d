"""A writer: one thread that works on what queued while it worked on the last, all of it together.

There is no linger: whoever comes alone is served at once, and a batch is what came meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from django.db import connections

from chatadmin.lib.threads import steady

Item = TypeVar("Item")
Done = TypeVar("Done")

MOST = 100


class Writer(Generic[Item, Done]):
    """Does `work` on up to MOST items at a time. `work` returns for each, in order, what came of it or why nothing did.

    The thread starts at the first item. Each item is worked on once, in the order in which they were given.
    """

    def __init__(self, name: str, work: Callable[[Sequence[Item]], Sequence[Done | Exception]]) -> None:
        self.name, self.work = name, work
        self.lock = threading.Lock()
        self._renew()

    def _renew(self) -> None:
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None
        self.queue: SimpleQueue[tuple[Item, _Asker[Done]] | None] = SimpleQueue()

    async def ask(self, item: Item) -> Done:
        """For the event loop: what came of `item`. Raises why nothing did."""
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._put(item, future)
        return await future

    def ask_and_wait(self, item: Item) -> Done:
        """The same for a thread that may wait."""
        future: Future[Done] = Future()
        self._put(item, future)
        return future.result()

    def stop(self) -> None:
        """Ends the thread after what it was given, and its connection with it. The next item starts another."""
        with self.lock:
            thread, queue = self.thread, self.queue
            self._renew()
        if thread is not None and thread.is_alive():
            queue.put(None)
            thread.join()

    def _put(self, item: Item, asker: _Asker[Done]) -> None:
        with self.lock:
            if self.pid != os.getpid():
                self._renew()
            self.queue.put((item, asker))
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(
                    target=self._run, args=(self.queue,), name=self.name, daemon=True
                )
                self.thread.start()

    def _run(self, queue: SimpleQueue[tuple[Item, _Asker[Done]] | None]) -> None:
        try:
            while (first := queue.get()) is not None:
                batch, last = _with_others(first, queue)
                self._work_on(batch)
                if last:
                    return
        finally:
            connections.close_all()

    def _work_on(self, batch: list[tuple[Item, _Asker[Done]]]) -> None:
        items = [item for item, _ in batch]
        try:
            outcomes: Sequence[Done | Exception] = steady(lambda: self.work(items))
        except Exception as error:
            outcomes = [error] * len(items)
        _answer([asker for _, asker in batch], outcomes)


class Lanes(Generic[Item, Done]):
    """So many writers side by side, for a database that lets several write at once. Items of one `key` go through the
    same writer, so that their order is kept."""

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], Sequence[Done | Exception]],
        *,
        count: int,
        key: Callable[[Item], int],
    ) -> None:
        self.writers = [Writer(f"{name}-{number}", work) for number in range(count)]
        self.key = key

    async def ask(self, item: Item) -> Done:
        """For the event loop: what came of `item`. Raises why nothing did."""
        return await self._of(item).ask(item)

    def ask_and_wait(self, item: Item) -> Done:
        """The same for a thread that may wait."""
        return self._of(item).ask_and_wait(item)

    def stop(self) -> None:
        """Ends the threads after what they were given."""
        for writer in self.writers:
            writer.stop()

    def _of(self, item: Item) -> Writer[Item, Done]:
        return self.writers[self.key(item) % len(self.writers)]


_Asker = asyncio.Future[Done] | Future[Done]


def _with_others(
    first: tuple[Item, _Asker[Done]], queue: SimpleQueue[tuple[Item, _Asker[Done]] | None]
) -> tuple[list[tuple[Item, _Asker[Done]]], bool]:
    """The batch that begins with `first`, and whether it is the last."""
    batch = [first]
    while len(batch) < MOST:
        try:
            entry = queue.get_nowait()
        except Empty:
            break
        if entry is None:
            return batch, True
        batch.append(entry)
    return batch, False


def _answer(askers: Sequence[_Asker[Done]], outcomes: Sequence[Done | Exception]) -> None:
    """Wakes each event loop once, however many of its sockets wait."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Done], Done | Exception]]] = {}
    for asker, outcome in zip(askers, outcomes, strict=True):
        if isinstance(asker, asyncio.Future):
            by_loop.setdefault(asker.get_loop(), []).append((asker, outcome))
        else:
            settle(asker, outcome)
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, pairs)
        except RuntimeError:  # the loop has closed: nobody waits any more
            continue


def _settle_all(pairs: Sequence[tuple[asyncio.Future[Done], Done | Exception]]) -> None:
    for future, outcome in pairs:
        settle(future, outcome)


def settle(asker: _Asker[Done], outcome: Done | Exception) -> None:
    """Gives whoever asked what came of it, or why nothing did."""
    if asker.done():  # whoever asked was cancelled
        return
    if isinstance(outcome, Exception):
        asker.set_exception(outcome)
    else:
        asker.set_result(outcome)
