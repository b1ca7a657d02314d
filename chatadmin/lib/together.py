"""Work for the hop thread that is cheaper for many at once: whoever asks while it is busy is served in the next batch."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chatadmin.lib.threads import hop
from chatadmin.lib.writer import settle

Item = TypeVar("Item")
Done = TypeVar("Done")

MOST = 100


class Together(Generic[Item, Done]):
    """Does `work` on up to MOST items at a time, in the order in which they were given. `work` returns for each, in
    order, what came of it or why nothing did. Who comes alone is served at once."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Done | Exception]]) -> None:
        self.work = hop(work)
        self.waiting: dict[asyncio.AbstractEventLoop, list[tuple[Item, asyncio.Future[Done]]]] = {}
        self.serving: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    async def ask(self, item: Item) -> Done:
        """What came of `item`. Raises why nothing did."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Done] = loop.create_future()
        self.waiting.setdefault(loop, []).append((item, future))
        if loop not in self.serving or self.serving[loop].done():
            for gone in [known for known in self.serving if known.is_closed()]:
                del self.serving[gone], self.waiting[gone]
            # Not in the context of whoever happened to come first.
            self.serving[loop] = loop.create_task(
                self._serve(self.waiting[loop]), context=contextvars.Context()
            )
        return await future

    async def _serve(self, waiting: list[tuple[Item, asyncio.Future[Done]]]) -> None:
        while waiting:
            batch = waiting[:MOST]
            del waiting[:MOST]
            # Who was cancelled meanwhile wants nothing any more.
            wanted = [(item, future) for item, future in batch if not future.done()]
            if wanted:
                await self._answer(wanted)

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Done]]]) -> None:
        try:
            outcomes = await self.work([item for item, _ in batch])
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            settle(future, outcome)
