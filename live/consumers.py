"""The staff socket: a page says what it shows, and gets what of that changes, as HTML."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.http.cookie import parse_cookie

from chatadmin.lib.bus import Event, announce_now
from chatadmin.lib.limits import Bucket, Rate
from chatadmin.lib.socket import COME_BACK, Closing, Receive, Scope, Send, Socket
from chatadmin.lib.threads import hop
from conversations.actions import Gone, mark_read
from conversations.models import Side
from live import fragments, frames
from live.fragments import ROW, View
from live.hub import EVERYONE, LIVE, NEWCOMERS, StaffHub
from live.newcomers import MOST_COUNTED, Listing
from live.state import state
from staff import presence as staff_presence
from staff.middleware import zone_of
from staff.models import Account
from staff.sessions import account_of_session, session_key_of
from users import presence
from users.models import ChatUser

FRAMES = Rate(burst=60, per_second=20)
TYPING = Rate(burst=1, per_second=1)
FRAME_CHARS = 24 * 1024
RECHECK_SECONDS = 20
LAGGED = json.dumps({"type": "lagged"})


class StaffSocket(Socket):
    """One page of one member of staff."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.id = secrets.token_hex(8)
        self.session_key = session_key_of(self.header(b"cookie"))
        self.zone = zone_of(parse_cookie(self.header(b"cookie")))
        self.account_id = 0
        self.name = self.role = ""
        self.users: set[str] = set()
        self.open: str | None = None
        self.log = self.timeline = self.live = False
        # The last message that the history on the page was told; None where it isn't told any.
        self.cursor: int | None = None
        # Those whom this page said to be writing to, and how often it may say so.
        self.writing: set[str] = set()
        self.typing_budgets: dict[str, Bucket] = {}
        self.listing: Listing | None = None
        self.since = 0.0
        self.counted: set[str] = set()
        self.budget = Bucket(FRAMES)
        self.checked_at = 0.0
        # Told to ask for its state, and not yet asked.
        self.behind = False
        # Whether the counts in its navigation were told since.
        self.counts_told = False

    async def opened(self) -> None:
        if urlsplit(self.header(b"origin")).netloc.lower() != self.header(b"host").lower():
            raise Closing(4403, "another origin")
        account = await _account(self.session_key)
        if account is None:
            raise Closing(4401, "sign in")
        self.account_id, self.name, self.role = account.pk, account.display_name, account.role
        self.checked_at = time.monotonic()
        presence.keep()
        StaffHub.current().watch(self, [EVERYONE])
        await _here(self.account_id, self.id)

    async def closed(self) -> None:
        if self.account_id:
            hub = StaffHub.current()
            hub.unwatch(self, [EVERYONE, *self._keys()])
            hub.unsure.discard(self)
            await self._stop_writing(self.writing)
            await _gone(self.account_id, self.id)

    def ping(self) -> str:
        return json.dumps({"type": "ping"})

    def silent(self) -> Closing:
        return Closing(COME_BACK, "silent")

    def lagged(self) -> None:
        """This page reads too slowly, or events were lost: what waits for it is dropped, and it is told to ask for its
        state again. Until it does, it is told nothing more."""
        if self.behind:
            return
        self.drop_queue()
        self.push(LAGGED)
        self.behind, self.cursor, self.counts_told = True, None, False

    def push(self, text: str) -> None:
        if not self.behind:
            super().push(text)

    async def received(self, text: str | None, binary: bytes | None) -> None:
        if text is None or len(text) > FRAME_CHARS or not self.budget.take():
            raise Closing(4429, "too many or too large frames")
        try:
            frame = frames.decode(text)
        except frames.BadFrame:
            raise Closing(4400, "not a frame") from None
        if time.monotonic() - self.checked_at >= RECHECK_SECONDS:
            await self.recheck()
            await _here(self.account_id, self.id)
        if isinstance(frame, frames.Watch):
            await self._watch(frame)
        elif isinstance(frame, frames.Typing):
            await self._typing(str(frame.user), on=frame.on)
        elif isinstance(frame, frames.Read):
            await _read(str(frame.user), frame.up_to)

    async def recheck(self) -> None:
        """Looks again whose session this is; closes where it ended, or the account or its role changed."""
        self.checked_at = 0.0  # where this fails, the next frame asks again
        account = await _account(self.session_key)
        self.checked_at = time.monotonic()
        if account is None or account.pk != self.account_id or account.role != self.role:
            self.close(Closing(4401, "session ended"))

    def arrived(self, people: set[str]) -> None:
        """These are on the list that this page shows now; those whom it doesn't show or count yet are counted."""
        fresh = sorted(people - self.users - self.counted)[: MOST_COUNTED - len(self.counted)]
        if fresh:
            self.counted.update(fresh)
            self._tell_newcomers()

    def left(self, name: str) -> None:
        """A person was erased, or joined to another: they count no more."""
        if name in self.counted:
            self.counted.remove(name)
            self._tell_newcomers()

    def _tell_newcomers(self) -> None:
        query = self.listing.query if self.listing else ""
        address = f"/users/?{query}" if query else "/users/"
        self.push(fragments.newcomers(sorted(self.counted), address))

    def gone(self, name: str) -> None:
        """A person this page shows was erased, or joined to another."""
        self.push(json.dumps({"type": "gone", "user": name, "open": self.open == name}))

    def reload(self) -> None:
        """This page shows what can't be told piece by piece."""
        self.push(json.dumps({"type": "reload"}))

    def view(self, name: str) -> View:
        """What this page shows of that person."""
        return View(True, self.log, self.timeline, self.cursor) if name == self.open else ROW

    def takes_in(self, people: Iterable[str]) -> None:
        """This page is sent the rows of these people: it hears of them from now on, too."""
        StaffHub.current().watch(self, people)
        self.users.update(people)

    def told(self, up_to: int) -> None:
        """The history on this page was told every message up to that id."""
        if self.cursor is not None:
            self.cursor = max(self.cursor, up_to)

    async def _typing(self, name: str, *, on: bool) -> None:
        """Told to the others about those whom this page shows, and once a second at most."""
        if not on:
            await self._stop_writing(self.writing & {name})
        elif name in self._watched() and self.typing_budgets.setdefault(name, Bucket(TYPING)).take():
            self.writing.add(name)
            await announce_now(self._writes(name, on=True))

    async def _stop_writing(self, names: set[str]) -> None:
        if names:
            self.writing = self.writing - names
            await announce_now(*(self._writes(name, on=False) for name in sorted(names)))

    def _writes(self, name: str, *, on: bool) -> Event:
        data = {"side": Side.STAFF, "on": on, "account": self.account_id, "name": self.name}
        return Event("typing.changed", name, data)

    def _watched(self) -> set[str]:
        return self.users | ({self.open} if self.open else set())

    def _keys(self) -> list[str]:
        """What the hub is to tell this page of."""
        lists = [*([NEWCOMERS] if self.listing else []), *([LIVE] if self.live else [])]
        return [*self._watched(), *lists]

    def _shows(self, frame: frames.Watch) -> None:
        """Takes in the rows and the list that the page shows. Whoever moved before they were drawn isn't new."""
        users = {str(user) for user in frame.users}
        listing = Listing(frame.list, self.zone) if frame.list is not None else None
        counted = {str(person) for person in frame.counted}
        if (users, listing) != (self.users, self.listing) or self.counted - counted:
            self.since = time.monotonic()
        self.users, self.listing, self.counted = users, listing, counted

    async def _watch(self, frame: frames.Watch) -> None:
        hub = StaffHub.current()
        hub.unwatch(self, self._keys())
        self._shows(frame)
        self.open = str(frame.open) if frame.open else None
        self.log, self.timeline, self.live = frame.log, frame.timeline, frame.live
        self.cursor, self.behind = frame.last if frame.log else None, False
        self.typing_budgets = {
            name: self.typing_budgets[name] for name in self.typing_budgets.keys() & self._watched()
        }
        hub.watch(self, self._keys())
        if not self.counts_told:
            self.counts_told = True
            hub.unsure.add(self)
        await self._stop_writing(self.writing - self._watched())
        # Listening first, reading second: what changes in between is told twice, and a leaf may be drawn twice.
        replying = hub.typists.others(self.open, self.account_id) if self.open else ()
        shown = await _state(frame, set(hub.typists.visitors), replying)
        if shown is None:
            self.reload()
            return
        for name in shown.gone:
            self.gone(name)
        if shown.text:
            self.push(shown.text)
        if shown.newest is not None:
            self.told(shown.newest)


@hop
def _account(session_key: str) -> Account | None:
    return account_of_session(session_key)


@hop
def _here(account_id: int, socket: str) -> None:
    staff_presence.beat(account_id, socket)


@hop
def _gone(account_id: int, socket: str) -> None:
    staff_presence.leave(account_id, socket)


@hop
def _read(user: str, up_to: int) -> None:
    person = ChatUser.objects.filter(uuid=user, erased_at=None).first()
    if person is None:
        return
    try:
        mark_read(chat_user_id=person.pk, side=Side.STAFF, up_to=up_to)
    except Gone:
        return


_state = hop(state)
