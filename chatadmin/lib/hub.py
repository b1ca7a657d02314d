"""A hub: the sockets of one kind in this process, by what they watch, and one worker that serves them events in order.

However many sockets watch, each event is read from the bus once and worked on once for the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, Protocol, Self, TypeVar

import structlog

from chatadmin.lib import bus

log = structlog.get_logger("chatadmin.hub")

QUEUE_EVENTS = 10_000
BATCH_EVENTS = 200
REST_SECONDS = 0.5
MANY_EVENTS = 50
# A database that is away is not asked once more for each event of a batch, and what comes meanwhile waits.
GIVE_UP_SECONDS = 5.0


class Watching(Protocol):
    """What a hub asks of whoever watches."""

    def lagged(self) -> None:
        """Called when something that they should have heard of was lost: they look at everything again."""


Watcher = TypeVar("Watcher", bound=Watching)


class Hub(Generic[Watcher]):
    """The watchers of one event loop, by key. `current()` gives the running loop's."""

    # Whether a hub that can't keep up rests between batches for as long as the last one took, twice as long after
    # MANY_EVENTS and so on (REST_SECONDS at most): the more there is, the more it leaves of the processor to others,
    # and what happens to one watched thing meanwhile is worked on once.
    gathers: ClassVar[bool] = False
    # Several processes notice the same loss, each by itself, and all of it is looked at once.
    gap_seconds: ClassVar[float] = 0.5
    _hubs: ClassVar[dict[tuple[type, asyncio.AbstractEventLoop], Hub]] = {}

    def __init__(self) -> None:
        self.watchers: dict[str, set[Watcher]] = {}
        self.events: asyncio.Queue[bus.Event] = asyncio.Queue(QUEUE_EVENTS)
        self.unsubscribe: Callable[[], None] = bus.subscribe(self._heard)
        self.worker = asyncio.get_running_loop().create_task(self._work())
        self.gap: asyncio.TimerHandle | None = None
        # Said once, until there is room again.
        self.overflowed = False

    @classmethod
    def current(cls) -> Self:
        """The hub of the running event loop, made at its first use."""
        loop = asyncio.get_running_loop()
        for key in [key for key in Hub._hubs if key[1].is_closed()]:
            del Hub._hubs[key]
        hub = Hub._hubs.get((cls, loop))
        if hub is None:
            hub = Hub._hubs[(cls, loop)] = cls()
        return hub  # type: ignore[return-value]

    def watch(self, watcher: Watcher, keys: Iterable[str]) -> None:
        """Lets `watcher` hear of `keys`, besides those that it hears of already."""
        for key in keys:
            self.watchers.setdefault(key, set()).add(watcher)

    def unwatch(self, watcher: Watcher, keys: Iterable[str]) -> None:
        """Ends that."""
        for key in keys:
            watching = self.watchers.get(key)
            if watching is not None:
                watching.discard(watcher)
                if not watching:
                    del self.watchers[key]

    def of(self, key: str) -> list[Watcher]:
        """Those who watch `key`."""
        return list(self.watchers.get(key, ()))

    def wants(self, event: bus.Event) -> bool:
        """Whether anybody here cares; decided before the event is queued."""
        return event.chat_user in self.watchers

    async def handle(self, events: list[bus.Event]) -> None:
        """Works on events in the order in which they were announced."""
        raise TypeError("a hub says what it does with events")

    def lost(self, event: bus.Event) -> None:
        """Tells those who watch that something happened which couldn't be worked on."""
        for watcher in self.of(event.chat_user):
            watcher.lagged()

    def missed(self) -> None:
        """Events of other processes were lost, nobody knows which: everybody looks again."""
        for watcher in {watcher for watching in self.watchers.values() for watcher in watching}:
            watcher.lagged()

    def _heard(self, event: bus.Event) -> None:
        if event.name == bus.GAP:
            if self.gap is None:
                self.gap = asyncio.get_running_loop().call_later(self.gap_seconds, self._mend)
        elif self.wants(event):
            self._queue(event)

    def _mend(self) -> None:
        self.gap = None
        self.missed()

    def _queue(self, event: bus.Event) -> None:
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:  # events come faster than they can be worked on
            if not self.overflowed:
                log.warning("hub.overflowed", hub=type(self).__name__)
            self.overflowed = True
            self.lost(event)

    async def _work(self) -> None:
        clock, most = asyncio.get_running_loop().time, QUEUE_EVENTS if self.gathers else BATCH_EVENTS
        while True:
            batch = [await self.events.get()]
            while len(batch) < most and not self.events.empty():
                batch.append(self.events.get_nowait())
            self.overflowed = False
            started = clock()
            await self._work_on(batch)
            if self.gathers and (len(batch) > MANY_EVENTS or not self.events.empty()):
                rest = (clock() - started) * (1 + len(batch) / MANY_EVENTS)
                await asyncio.sleep(min(rest, REST_SECONDS))

    async def _work_on(self, batch: list[bus.Event]) -> None:
        """Works on a batch; where that fails on its halves, so that one bad event takes no other with it. What isn't done
        within GIVE_UP_SECONDS is lost."""
        clock = asyncio.get_running_loop().time
        ends, waiting = clock() + GIVE_UP_SECONDS, [batch]
        failure: Exception | None = None
        lost: list[bus.Event] = []
        while waiting:
            part = waiting.pop()
            error = await self._failure(part)
            failure = failure or error
            if error is not None and len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            elif error is not None:
                lost += part
            if not waiting or clock() > ends:
                break
            await asyncio.sleep(0)
        lost += [event for part in reversed(waiting) for event in part]
        if failure is not None:
            await self._give_up(lost, failure)

    async def _failure(self, events: list[bus.Event]) -> Exception | None:
        try:
            await self.handle(events)
        except Exception as error:
            return error
        return None

    async def _give_up(self, lost: list[bus.Event], failure: Exception) -> None:
        log.error(
            "hub.failed",
            hub=type(self).__name__,
            error=type(failure).__name__,
            lost=len(lost),
            exc_info=failure,
        )
        for number, event in enumerate(lost, 1):
            self.lost(event)
            if number % BATCH_EVENTS == 0:
                await asyncio.sleep(0)
