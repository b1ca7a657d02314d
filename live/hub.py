"""The staff sockets of this process: who watches whom, who types, and each change rendered once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Protocol

import structlog

from chatadmin.lib.bus import Event
from chatadmin.lib.hub import Hub
from chatadmin.lib.threads import hop
from conversations.models import Side
from live import fragments, here
from live.fragments import ALL_SLOTS, MESSAGE_SLOTS, PRESENCE_SLOTS, Change, View
from live.newcomers import ListPage, Newcomers
from live.typists import Typists
from staff import presence as staff_presence

log = structlog.get_logger("chatadmin.live")

EVERYONE, NEWCOMERS, LIVE = "*", "*newcomers", "*live"
TICK_SECONDS = 1.0
REAP_SECONDS = 5.0
# Where events were lost leases may be too. By then whoever is here has beaten again, and who left meanwhile hasn't.
AGAIN_SECONDS = 20.0
# Not all at once: each asks for all that it shows.
LOOKS_PER_SECOND = 50
COUNTED = {"message.created", "message.read", "presence.changed", "user.erased", "user.imported"}
ACCOUNTS = {"staff.changed", "session.ended"}
EVERYBODYS = {"tag.changed"}
HERE = {"presence.changed", "visit.started", "visit.ended", "event.recorded", "user.erased", "user.merged"}
# Our own: there are more messages than were told at once.
MORE = "message.more"
ABOUT_PEOPLE = {
    MORE,
    "message.created",
    "message.read",
    "message.mailed",
    "message.redacted",
    "typing.changed",
    "presence.changed",
    "user.changed",
    "user.imported",
    "user.merged",
    "user.erased",
    "event.recorded",
    "conversation.changed",
}


class Page(ListPage, here.HerePage, Protocol):
    """What the hub asks of a staff page's socket."""

    account_id: int

    def view(self, name: str) -> View: ...
    def told(self, up_to: int) -> None: ...
    def push(self, text: str) -> None: ...
    def lagged(self) -> None: ...
    def gone(self, name: str) -> None: ...
    def reload(self) -> None: ...
    async def recheck(self) -> None: ...


class StaffHub(Hub[Page]):
    """Turns events into fragments, once for the process, and hands them to the pages that show what changed."""

    gathers: ClassVar[bool] = True
    # After visitors were asked whether they are here, and have answered: else all would be seen to go and come back.
    gap_seconds: ClassVar[float] = 2.0

    def __init__(self) -> None:
        super().__init__()
        self.typists = Typists()
        self.navigation_due = False
        self.unsure: set[Page] = set()
        self.next_reap = 0.0
        self.newcomers = Newcomers(lambda: self.of(NEWCOMERS))
        self.clock = asyncio.get_running_loop().create_task(self._tick())

    def wants(self, event: Event) -> bool:
        if event.name in ACCOUNTS | COUNTED | EVERYBODYS:
            return EVERYONE in self.watchers
        if event.name in HERE and LIVE in self.watchers:
            return True
        return event.name in ABOUT_PEOPLE and super().wants(event)

    async def handle(self, events: list[Event]) -> None:
        changes: dict[str, Change] = {}
        for event in events:
            if event.name in ACCOUNTS:
                await self._recheck(event.data["account"])
            elif event.name == "tag.changed":
                self._retag()
            else:
                self.navigation_due |= event.name in COUNTED
                if event.name in ABOUT_PEOPLE and event.chat_user in self.watchers:
                    self._note(changes.setdefault(event.chat_user, Change()), event)
        if changes:
            await self._show(changes)
        moved = [event for event in events if event.name in HERE]
        if moved and LIVE in self.watchers:
            await here.told(moved, self.of(LIVE))

    def lost(self, event: Event) -> None:
        super().lost(event)
        if event.name in HERE:
            for page in self.of(LIVE):
                page.lagged()

    def missed(self) -> None:
        """Events of other processes were lost: all pages look again, and once more when leases are right again."""
        self._look_again()
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._look_again)

    def show_later(self, chat_user: str, slots: tuple[str, ...]) -> None:
        """Queues a redraw of some leaves of one person, as if an event had asked for it."""
        self._queue(Event("user.changed", chat_user, {"slots": list(slots)}))

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        for number, page in enumerate(self.of(EVERYONE)):
            loop.call_later(number / LOOKS_PER_SECOND, page.lagged)

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
        elif event.name in {"message.created", MORE}:
            self._said(change, event)
        elif event.name == "message.redacted":
            change.redrawn.append(data["id"])
        elif event.name in {"message.mailed", "message.read"}:
            change.marked.append((data["first"], data["up_to"]))
            change.slots.update(("unread",) if data.get("side") == Side.STAFF else ())
        elif event.name == "event.recorded":
            change.events.append(data["id"])
        elif event.name == "conversation.changed":
            change.conversations.add(data["id"])
        elif event.name in {"user.erased", "user.merged"}:
            change.erased = True
        else:
            change.rewritten |= event.name == "user.imported" and "history" in data["fields"]
            change.slots.update(data.get("slots", ALL_SLOTS))

    def _said(self, change: Change, event: Event) -> None:
        change.said = True
        if event.name == "message.created":
            change.slots.update(MESSAGE_SLOTS, ("first_contact",) if event.data.get("first") else ())
            change.messages.append(event.data["id"])
            if event.data["sender"] == Side.VISITOR:
                self._stop_typing(event.chat_user, change)

    def _typing(self, change: Change, event: Event) -> None:
        name, data = event.chat_user, event.data
        if data["side"] == Side.VISITOR:
            if self.typists.visitor(name, on=data["on"]):
                change.slots.add("typing")
        elif self.typists.colleague(name, data["account"], data["name"], on=data["on"]):
            self._tell_replying(name)

    def _stop_typing(self, name: str, change: Change) -> None:
        if self.typists.visitor(name, on=False):
            change.slots.add("typing")

    def _tell_replying(self, name: str) -> None:
        made: dict[tuple[str, ...], str] = {}
        for page in self.of(name):
            if page.view(name).log:
                others = self.typists.others(name, page.account_id)
                if others not in made:
                    made[others] = fragments.replying(name, others)
                page.push(made[others])

    def _retag(self) -> None:
        """A tag may be on hundreds of thousands, so the event names nobody: all who are on a screen get theirs anew."""
        for name in self.watchers.keys() - {EVERYONE, NEWCOMERS, LIVE}:
            self.show_later(name, ("tags",))

    # -- from changes to pages

    async def _show(self, changes: Mapping[str, Change]) -> None:
        views = {name: View.of_all(page.view(name) for page in self.of(name)) for name in changes}
        made = await _changed(changes, set(self.typists.visitors), views)
        for name, change in changes.items():
            for page in self.of(name):
                if change.erased:
                    page.gone(name)
                elif change.rewritten and (page.view(name).log or page.view(name).timeline):
                    page.reload()
                elif name in made:
                    _tell(page, name, made[name])
            if name in made and made[name].more:
                self._queue(Event(MORE, name))

    async def _recheck(self, account: int) -> None:
        for page in self.of(EVERYONE):
            if page.account_id == account:
                await page.recheck()

    # -- time passing

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            typed, replied = self.typists.expire()
            for name in typed:
                self.show_later(name, ("typing",))
            for name in replied:
                self._tell_replying(name)
            try:
                await self._look_who_left()
                await self._tell_navigation()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # a database that is away for a while must not end the clock
                log.error("live.clock_failed", error=type(error).__name__, exc_info=error)

    async def _look_who_left(self) -> None:
        """Those of staff who closed their last page, or fell silent, are gone: here nobody else looks in time."""
        now = asyncio.get_running_loop().time()
        if now >= self.next_reap:
            self.next_reap = now + REAP_SECONDS
            await _reap_staff()

    async def _tell_navigation(self) -> None:
        """To all where something counted, else to those who asked."""
        pages = set(self.of(EVERYONE)) if self.navigation_due else self.unsure
        if not pages:
            return
        due, self.navigation_due, unsure, self.unsure = self.navigation_due, False, self.unsure, set()
        try:
            text = await _navigation()
        except BaseException:
            self.navigation_due |= due
            self.unsure |= unsure
            raise
        for page in pages:
            page.push(text)


def _tell(page: Page, name: str, shown: fragments.Shown) -> None:
    # As the page is now: it may have looked elsewhere while this was drawn.
    view = page.view(name)
    text = shown.text(view)
    if text:
        page.push(text)
    if view.after is not None and shown.messages:
        page.told(shown.messages[-1][0])


_changed = hop(fragments.changed)
_navigation = hop(fragments.navigation)
_reap_staff = hop(staff_presence.reap)
