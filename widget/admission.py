"""Which widget a socket asks for, and whether its page may have it: told from memory, before anything is counted.

Whoever is turned away takes no place in a store. Keys that are not known yet are looked up together, ten times a second
at most, so that a flood of made-up ones costs the others nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Collection, Coroutine
from typing import Any, NamedTuple, Protocol

from chatadmin.lib import bus
from chatadmin.lib.threads import hop
from staff import presence as staff_presence
from staff.models import Widget
from widget.appearance import settings_frame
from widget.edge import may_embed

KEEP_SECONDS = 10.0
PAUSE_SECONDS = 0.1
KEY_CHARS = 40
AT_ONCE = 500
# So many are told in one go, before others get their turn.
TOLD_AT_ONCE = 200
HEARD = {"widget.changed", "staff.moved", bus.GAP}


class Guest(Protocol):
    """What is asked of a socket that was let in."""

    def widget_changed(self, widget: Widget | None, settings: str | None) -> None:
        """It goes by this widget from now on; None: its page may not have it any more. `settings`: what its tab is to
        know of it and of staff, as a frame; None where that isn't known."""


class _Asked(NamedTuple):
    """What a socket's request says: the key, and its Origin and Host headers."""

    key: str
    origin: str
    host: str


async def enter(guest: Guest, key: str, origin: str, host: str) -> Widget | None:
    """Lets a socket in: the widget of `key` where a page of `origin` may embed it, as it was 10 s ago at the earliest;
    else None.

    `host` is the request's own Host header. Many share what is returned: it is there to be read. The guest hears of
    its changes until it leaves.
    """
    asked = _Asked(key, origin, host)
    desk = _Desk.current()
    widget = await desk.admitted(asked)
    if widget is not None:
        desk.guests[guest] = asked
    return widget


def leave(guest: Guest) -> None:
    """The socket is gone, or was never let in."""
    _Desk.current().guests.pop(guest, None)


class _Desk:
    """One event loop's: who is in, the widgets asked for lately, by key, and what waits for the next look."""

    desks: dict[asyncio.AbstractEventLoop, _Desk] = {}

    def __init__(self) -> None:
        self.guests: dict[Guest, _Asked] = {}
        self.known: dict[str, tuple[float, Widget]] = {}
        self.waiting: dict[str, asyncio.Future[Widget | None]] = {}
        self.looking: asyncio.Task[None] | None = None
        self.telling: asyncio.Task[None] | None = None
        self.looked_at = 0.0
        self.changes = 0
        self.unsubscribe = bus.subscribe(self._heard)

    @classmethod
    def current(cls) -> _Desk:
        loop = asyncio.get_running_loop()
        for gone in [known for known in cls.desks if known.is_closed()]:
            del cls.desks[gone]
        if loop not in cls.desks:
            cls.desks[loop] = cls()
        return cls.desks[loop]

    async def admitted(self, asked: _Asked) -> Widget | None:
        widget = await self._widget_of(asked.key)
        return widget if widget is not None and may_embed(widget, asked.origin, asked.host) else None

    async def _widget_of(self, key: str) -> Widget | None:
        if not key or len(key) > KEY_CHARS or "\x00" in key:
            return None
        until, widget = self.known.get(key, (0.0, None))
        if until > time.monotonic():
            return widget
        answer = self.waiting.get(key)
        if answer is None:
            answer = self.waiting[key] = asyncio.get_running_loop().create_future()
        if self.looking is None or self.looking.done():
            self.looking = _task(self._look())
        return await asyncio.shield(answer)

    async def _look(self) -> None:
        while self.waiting:
            await asyncio.sleep(self.looked_at + PAUSE_SECONDS - time.monotonic())
            self.looked_at = time.monotonic()
            asked = [(key, self.waiting.pop(key)) for key in list(self.waiting)[:AT_ONCE]]
            changes = self.changes
            try:
                found = await _find([key for key, _ in asked])
            except Exception as error:
                for _, answer in asked:
                    answer.set_exception(error)
                    answer.exception()  # whoever asked may be gone, and nobody else minds
                continue
            if changes == self.changes:
                until = time.monotonic() + KEEP_SECONDS
                self.known.update((key, (until, widget)) for key, widget in found.items())
            for key, answer in asked:
                answer.set_result(found.get(key))

    def _heard(self, event: bus.Event) -> None:
        if event.name in HEARD:
            self.known.clear()
            self.changes += 1
            if self.telling is None or self.telling.done():
                self.telling = _task(self._tell())

    async def _tell(self) -> None:
        """Tells everybody who is in of their widget and of staff as it is now; once more where that changed
        meanwhile."""
        told = -1
        while told != self.changes:
            told = self.changes
            staff_online = await _staff_online()
            frames: dict[str, str] = {}
            for number, (guest, asked) in enumerate(list(self.guests.items())):
                if number % TOLD_AT_ONCE == TOLD_AT_ONCE - 1:
                    await asyncio.sleep(0)
                widget = await self.admitted(asked)
                if widget is not None and staff_online is not None and asked.key not in frames:
                    frames[asked.key] = settings_frame(widget, staff_online=staff_online)
                if guest in self.guests:
                    guest.widget_changed(widget, frames.get(asked.key))


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # Not in the context of whoever happened to ask or announce: asgiref would have the work done in a thread of theirs.
    return asyncio.get_running_loop().create_task(work, context=contextvars.Context())


@hop
def _find(keys: Collection[str]) -> dict[str, Widget]:
    return {widget.key: widget for widget in Widget.objects.filter(key__in=keys)}


_staff_online = hop(staff_presence.anyone_here)
