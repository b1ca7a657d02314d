"""The bus: rooms announce that something happened, sockets listen. The only caller of the channel layer.

An event is small and plain: a `noun.verb`, whom it is about, ids. Never personal text. Within the process it is
delivered at once; where Redis is configured it also goes, through one channel-layer group, to every other process.
A listener is called on the event loop that it subscribed from and must not block.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = structlog.get_logger("chatadmin.bus")

GROUP = "chatadmin.bus"
RETRY_SECONDS = 1.0
# A Redis that doesn't answer must not hold up what was committed.
SEND_SECONDS = 2.0


class Event(msgspec.Struct, frozen=True):
    """What happened (`message.created`), to which person (uuid, or "" where nobody), and its ids and flags."""

    name: str
    chat_user: str = ""
    data: dict[str, Any] = {}


Listener = Callable[[Event], None]


class _Bus:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.origin = secrets.token_hex(8)
        self.lock = threading.Lock()
        self.listeners: dict[int, tuple[asyncio.AbstractEventLoop, Listener]] = {}
        self.receivers: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self.joined: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}
        self.next_id = 0

    def add(self, listener: Listener) -> int:
        loop = asyncio.get_running_loop()
        with self.lock:
            self.next_id += 1
            self.listeners[self.next_id] = (loop, listener)
            for gone in [known for known in self.receivers if known.is_closed()]:
                del self.receivers[gone], self.joined[gone]
            if loop not in self.receivers and get_channel_layer() is not None:
                self.joined[loop] = asyncio.Event()
                self.receivers[loop] = loop.create_task(self.receive(self.joined[loop]))
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

    async def receive(self, joined: asyncio.Event) -> None:
        layer = get_channel_layer()
        assert layer is not None
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                joined.set()
                while True:
                    message = await layer.receive(channel)
                    if message.get("origin") != self.origin:
                        self.deliver(msgspec.convert(message["events"], list[Event]))
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("bus.receive_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)


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

    From any thread without a running event loop. Redis being down loses the event for other processes and
    raises nothing: what was committed stands, and pages repair themselves from their cursor.
    """
    transaction.on_commit(lambda: _publish(list(events)), robust=True)


def _publish(events: list[Event]) -> None:
    _current().deliver(events)
    if get_channel_layer() is None:
        return
    try:
        async_to_sync(_send)(events)
    except Exception as error:
        log.warning("bus.send_failed", error=type(error).__name__)


async def _send(events: list[Event]) -> None:
    """To the other processes."""
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "bus", "origin": _current().origin, "events": msgspec.to_builtins(events)}
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await layer.group_send(GROUP, message)
    except Exception as error:
        log.warning("bus.send_failed", error=type(error).__name__)


async def announce_now(*events: Event) -> None:
    """Tells every listener at once, from the event loop; for what no transaction stands behind, like typing."""
    _current().deliver(list(events))
    await _send(list(events))
