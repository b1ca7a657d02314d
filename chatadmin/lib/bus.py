"""The bus: rooms announce that something happened, sockets listen. The only caller of the channel layer.

An event is small and plain: a `noun.verb`, whom it is about, ids. Never personal text. Within the process it is
delivered at once; where Redis is configured it also goes, through one channel-layer group, to every other process.
A listener is called on the event loop that it subscribed from and must not block. It hears `bus.gap` where events of
other processes were lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from chatadmin.lib.gaps import Gaps

log = structlog.get_logger("chatadmin.bus")

GROUP = "chatadmin.bus"
GAP = "bus.gap"
RETRY_SECONDS = 1.0
# A Redis that doesn't answer must not hold up what was committed.
SEND_SECONDS = 2.0
# How often a process that has nothing to say says that it lives, and so which its last message was.
BEACON_SECONDS = 5.0
SILENCE_SECONDS = 3 * BEACON_SECONDS + SEND_SECONDS
# Events that wait for Redis; past that they are lost, and said to be.
WAITING_EVENTS = 10_000
SENT_EVENTS = 500
FORGET = "user.erased"


class Event(msgspec.Struct, frozen=True):
    """What happened (`message.created`), to which person (uuid, or "" where nobody), and its ids and flags."""

    name: str
    chat_user: str = ""
    data: dict[str, Any] = {}


Listener = Callable[[Event], None]


class _Outbox:
    """What other processes are yet to be told, and the number of the last message."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[Event] = deque()
        self.number = 0

    def put(self, events: list[Event]) -> None:
        with self.lock:
            room = WAITING_EVENTS - len(self.waiting)
            self.waiting.extend(events[:room])
            # A number that nobody hears tells them that they missed something.
            self.number += len(events) > room

    def take(self) -> tuple[int, list[Event]]:
        """The next message: its number, and the events that wait, if any."""
        with self.lock:
            events = [self.waiting.popleft() for _ in range(min(SENT_EVENTS, len(self.waiting)))]
            self.number += 1
            return self.number, events


class _Bus:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.origin = secrets.token_hex(8)
        self.lock = threading.Lock()
        self.listeners: dict[int, tuple[asyncio.AbstractEventLoop, Listener]] = {}
        self.receivers: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self.joined: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}
        self.wakes: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}
        self.outbox = _Outbox()
        self.gaps = Gaps(SILENCE_SECONDS)
        # Whether the next message asks the others to say something, and whether somebody asked us.
        self.asks = self.answers = False
        self.next_id = 0

    def add(self, listener: Listener) -> int:
        loop = asyncio.get_running_loop()
        with self.lock:
            self.next_id += 1
            self.listeners[self.next_id] = (loop, listener)
            for gone in [known for known in self.receivers if known.is_closed()]:
                del self.receivers[gone], self.joined[gone], self.wakes[gone]
            if loop not in self.receivers and get_channel_layer() is not None:
                self.joined[loop], self.wakes[loop] = asyncio.Event(), asyncio.Event()
                self.receivers[loop] = loop.create_task(self.talk(self.joined[loop], self.wakes[loop]))
            return self.next_id

    def remove(self, handle: int) -> None:
        with self.lock:
            self.listeners.pop(handle, None)

    def deliver(self, events: list[Event]) -> None:
        with self.lock:
            listeners = list(self.listeners.items())
        by_loop: dict[asyncio.AbstractEventLoop, list[Listener]] = {}
        for handle, (loop, listener) in listeners:
            if loop.is_closed():
                self.remove(handle)
            else:
                by_loop.setdefault(loop, []).append(listener)
        for loop, called in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop closed between the look and the call
                loop.call_soon_threadsafe(_call, called, events)

    # -- other processes

    def speaker(self) -> asyncio.AbstractEventLoop | None:
        """The loop that tells the others and sends the beacons. None in a command: its silence means nothing. Call with
        the lock held."""
        return next((loop for loop in self.receivers if not loop.is_closed()), None)

    def post(self, events: list[Event]) -> bool:
        """Has a loop of this process tell the others. False where it has none, as in a command."""
        with self.lock:
            loop = self.speaker()
            wake = self.wakes[loop] if loop is not None else None
        if loop is None or wake is None:
            return False
        self.outbox.put(events)
        with contextlib.suppress(RuntimeError):  # closed between the look and the call
            loop.call_soon_threadsafe(wake.set)
        return True

    async def talk(self, joined: asyncio.Event, wake: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self.receive(joined, wake))
            both.create_task(self.send(joined, wake))

    async def send(self, joined: asyncio.Event, wake: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(BEACON_SECONDS):
                    await wake.wait()
            except TimeoutError:
                if joined.is_set():
                    await self.say()
            wake.clear()
            while self.outbox.waiting or self.asks or self.answers:
                await self.say()
            if self.gaps.fallen_silent():
                self.missed()

    async def say(self, *, bye: bool = False) -> None:
        """Tells the other processes what waits; where nothing does, that this one lives."""
        number, events = self.outbox.take()
        with self.lock:
            has_beacon = self.speaker() is not None
        message = {
            "type": "bus",
            "origin": self.origin,
            "number": number,
            "events": msgspec.to_builtins(events),
            "asks": self.asks,
            "answers": self.answers,
            "has_beacon": has_beacon,
            "bye": bye,
        }
        self.asks = self.answers = False
        layer = get_channel_layer()
        assert layer is not None
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await layer.group_send(GROUP, message)
        except Exception as error:
            log.warning("bus.send_failed", error=type(error).__name__)

    async def receive(self, joined: asyncio.Event, wake: asyncio.Event) -> None:
        layer = get_channel_layer()
        assert layer is not None
        began = time.monotonic()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                # Nobody waited for us any longer, or we hear again: those who are here may have missed something.
                is_late = joined.is_set() or time.monotonic() - began > SEND_SECONDS
                joined.set()
                self.asks = True
                wake.set()
                if is_late:
                    self.missed()
                while True:
                    self.take_in(await layer.receive(channel), wake)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("bus.receive_failed", error=type(error).__name__)
                with contextlib.suppress(Exception):
                    # The channel would go on to gather what nobody reads.
                    await layer.flush()
                await asyncio.sleep(RETRY_SECONDS)

    def take_in(self, message: dict[str, Any], wake: asyncio.Event) -> None:
        origin, events = message["origin"], msgspec.convert(message["events"], list[Event])
        # Our own come back too: one that doesn't was lost on the way to everybody, or our ears were.
        missed = self.gaps.hear(
            origin, message["number"], answers=message["answers"], has_beacon=message["has_beacon"]
        )
        if origin != self.origin:
            self.deliver(events)
            if message["asks"]:
                self.answers = True
                wake.set()
        if message["bye"]:
            self.gaps.part(origin)
        if missed:
            self.missed()

    def missed(self) -> None:
        log.warning("bus.gap")
        self.deliver([Event(GAP)])


def _call(listeners: list[Listener], events: list[Event]) -> None:
    for event in events:
        for listener in listeners:
            try:
                listener(event)
            except Exception as error:
                log.error("bus.listener_failed", event_name=event.name, error=type(error).__name__)


_bus: _Bus | None = None
_guard = threading.Lock()


def _current() -> _Bus:
    """This process's bus; a forked child gets its own."""
    global _bus
    with _guard:
        if _bus is None or _bus.pid != os.getpid():
            _bus = _Bus()
        return _bus


def subscribe(listener: Listener) -> Callable[[], None]:
    """Calls `listener` with every event, on the running event loop. Returns the function that ends it."""
    bus = _current()
    handle = bus.add(listener)
    return lambda: bus.remove(handle)


async def ready(seconds: float = SEND_SECONDS) -> bool:
    """Waits until the running loop hears other processes too, as it does a moment after its first `subscribe`.

    False where that took longer; it goes on trying.
    """
    joined = _current().joined.get(asyncio.get_running_loop())
    if joined is not None and not joined.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(joined.wait(), seconds)
    return joined is None or joined.is_set()


def announce(*events: Event) -> None:
    """Tells every listener in every process, once the current transaction has committed.

    From any thread without a running event loop; waits for nobody where this process serves. Redis being down loses
    the event for other processes and raises nothing: what was committed stands, and they hear of a gap.
    """
    transaction.on_commit(lambda: _publish(list(events)), robust=True)


def _publish(events: list[Event]) -> None:
    bus = _current()
    bus.deliver(events)
    if get_channel_layer() is None or bus.post(events):
        return
    bus.outbox.put(events)
    try:
        async_to_sync(bus.say)()
    except Exception as error:
        log.warning("bus.send_failed", error=type(error).__name__)


async def announce_now(*events: Event) -> None:
    """Tells every listener at once, from the event loop; for what no transaction stands behind, like typing."""
    bus = _current()
    bus.deliver(list(events))
    if get_channel_layer() is not None and not bus.post(list(events)):
        bus.outbox.put(list(events))
        await bus.say()


def waiting() -> list[str]:
    """What other processes are yet to be told by this one, as text; not that somebody is to be forgotten."""
    outbox = _current().outbox
    with outbox.lock:
        events = list(outbox.waiting)
    return [f"{event.name} {event.chat_user} {event.data}" for event in events if event.name != FORGET]


def missed() -> None:
    """Has everybody in this process look again: something was lost, and it isn't known what. From any thread."""
    _current().missed()


async def farewell() -> None:
    """Says what is still to be said, then goodbye, as the server ends: its silence then frightens nobody."""
    bus = _current()
    if get_channel_layer() is None:
        return
    while bus.outbox.waiting:
        await bus.say()
    await bus.say(bye=True)
