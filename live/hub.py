"""The staff sockets of this process: who watches whom, who types, and each change rendered once for all of them."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from channels.db import database_sync_to_async

from chatadmin.lib.bus import Event
from chatadmin.lib.hub import Hub
from conversations.models import Side
from live import fragments
from live.fragments import ALL_SLOTS, MESSAGE_SLOTS, PRESENCE_SLOTS, Change
from live.newcomers import ListPage, Newcomers

EVERYONE, NEWCOMERS = "*", "*newcomers"
TYPING_SECONDS = 6.0
NAVIGATION_SECONDS = 1.0
COUNTED = {"message.created", "message.read", "presence.changed", "user.erased"}
ACCOUNTS = {"staff.changed", "session.ended"}
EVERYBODYS = {"tag.changed"}
ABOUT_PEOPLE = {
    "message.created",
    "message.read",
    "typing.changed",
    "presence.changed",
    "user.changed",
    "user.merged",
    "user.erased",
    "event.recorded",
    "conversation.changed",
}


class Page(ListPage, Protocol):
    """What the hub asks of a staff page's socket."""

    open: str | None
    account_id: int

    def push(self, text: str) -> None: ...
    def lagged(self) -> None: ...
    def gone(self, name: str) -> None: ...
    async def recheck(self) -> None: ...


class StaffHub(Hub[Page]):
    """Turns events into fragments, once for the process, and hands them to the pages that show what changed."""

    def __init__(self) -> None:
        super().__init__()
        self.typing: dict[str, float] = {}
        self.replying: dict[str, dict[int, tuple[str, float]]] = {}
        self.navigation_due = False
        self.newcomers = Newcomers(lambda: self.of(NEWCOMERS))
        self.clock = asyncio.get_running_loop().create_task(self._tick())

    def wants(self, event: Event) -> bool:
        if event.name in ACCOUNTS | COUNTED | EVERYBODYS:
            return EVERYONE in self.watchers
        return event.name in ABOUT_PEOPLE and super().wants(event)

    async def handle(self, events: list[Event]) -> None:
        changes: dict[str, Change] = {}
        for event in events:
            if event.name in ACCOUNTS:
                await self._recheck()
            elif event.name == "tag.changed":
                self._retag()
            else:
                self.navigation_due |= event.name in COUNTED
                if event.chat_user in self.watchers:
                    self._note(changes.setdefault(event.chat_user, Change()), event)
        if changes:
            await self._show(changes)

    def show_later(self, chat_user: str, slots: tuple[str, ...]) -> None:
        """Queues a redraw of some leaves of one person, as if an event had asked for it."""
        self._heard(Event("user.changed", chat_user, {"slots": list(slots)}))

    def _heard(self, event: Event) -> None:
        # Those who aren't on any screen concern nobody else, so that their events aren't queued.
        if NEWCOMERS in self.watchers:
            self.newcomers.note(event)
        super()._heard(event)

    # -- from events to changes

    def _note(self, change: Change, event: Event) -> None:
        data = event.data
        if event.name == "presence.changed":
            change.slots.update(PRESENCE_SLOTS)
            if not data["online"]:
                self._stop_typing(event.chat_user, change)
        elif event.name == "typing.changed":
            self._typing(change, event)
        elif event.name == "message.created":
            change.slots.update(MESSAGE_SLOTS)
            change.messages.append(data["id"])
            if data["sender"] == "visitor":
                self._stop_typing(event.chat_user, change)
        elif event.name == "message.read":
            change.read.append((data["first"], data["up_to"]))
            change.slots.update(("unread",) if data["side"] == Side.STAFF else ())
        elif event.name == "event.recorded":
            change.events.append(data["id"])
        elif event.name == "conversation.changed":
            change.conversations.add(data["id"])
        elif event.name in {"user.erased", "user.merged"}:
            change.erased = True
        else:
            change.slots.update(data.get("slots", ALL_SLOTS))

    def _typing(self, change: Change, event: Event) -> None:
        name, until = event.chat_user, time.monotonic() + TYPING_SECONDS
        if event.data["side"] == Side.VISITOR:
            if event.data["on"]:
                if name not in self.typing:
                    change.slots.add("typing")
                self.typing[name] = until
            else:
                self._stop_typing(name, change)
            return
        writers = self.replying.setdefault(name, {})
        if event.data["on"]:
            writers[event.data["account"]] = (event.data["name"], until)
        else:
            writers.pop(event.data["account"], None)
        self._tell_replying(name)

    def _stop_typing(self, name: str, change: Change) -> None:
        if self.typing.pop(name, None) is not None:
            change.slots.add("typing")

    def _tell_replying(self, name: str) -> None:
        writers = self.replying.get(name, {})
        for socket in self.of(name):
            if socket.open == name:
                others = [writer for account, (writer, _) in writers.items() if account != socket.account_id]
                socket.push(fragments.replying(name, others))
        if not writers:
            self.replying.pop(name, None)

    def _retag(self) -> None:
        """A tag may be on hundreds of thousands, so the event names nobody: all who are on a screen get theirs anew."""
        for name in self.watchers.keys() - {EVERYONE, NEWCOMERS}:
            self.show_later(name, ("tags",))

    # -- from changes to pages

    async def _show(self, changes: dict[str, Change]) -> None:
        opened = {name for name in changes if any(socket.open == name for socket in self.of(name))}
        made = await _changed(changes, list(self.typing), opened)
        for name, change in changes.items():
            for socket in self.of(name):
                if change.erased:
                    socket.gone(name)
                elif name in made:
                    text = made[name].row + (made[name].profile if socket.open == name else "")
                    if text:
                        socket.push(text)

    async def _recheck(self) -> None:
        for socket in self.of(EVERYONE):
            await socket.recheck()

    # -- time passing

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(NAVIGATION_SECONDS)
            now = time.monotonic()
            for name in [name for name, until in self.typing.items() if until <= now]:
                del self.typing[name]
                self.show_later(name, ("typing",))
            for name, writers in list(self.replying.items()):
                stale = [account for account, (_, until) in writers.items() if until <= now]
                for account in stale:
                    del writers[account]
                if stale:
                    self._tell_replying(name)
            if self.navigation_due:
                self.navigation_due = False
                await self._tell_navigation()

    async def _tell_navigation(self) -> None:
        sockets = self.of(EVERYONE)
        if sockets:
            text = await _navigation()
            for socket in sockets:
                socket.push(text)


_changed = database_sync_to_async(fragments.changed)
_navigation = database_sync_to_async(fragments.navigation)
