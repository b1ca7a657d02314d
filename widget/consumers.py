"""The visitor socket: everything a stranger can say to us, frame by frame."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any
from urllib.parse import parse_qs

import structlog

from chatadmin.lib.address import scope_address
from chatadmin.lib.bus import Event, announce_now
from chatadmin.lib.limits import Bucket, Rate
from chatadmin.lib.socket import Closing, Receive, Scope, Send, Socket
from chatadmin.lib.threads import hop
from chatadmin.lib.together import Together
from conversations.actions import Blocked, Gone
from staff.models import Widget
from users import presence
from users.models import ChatUser
from widget import admission, collecting, edge, frames, sessions
from widget.appearance import appearance, settings_frame
from widget.entering import Coming, TooManyPeople
from widget.frames import FrameError
from widget.greeting import GREETER, Greeting, Welcome
from widget.hub import VisitorHub
from widget.identity import IdentityRefused

log = structlog.get_logger("chatadmin.widget")

HELLO_SECONDS = 10.0
TYPING = Rate(burst=1, per_second=1)
OTHERS = Rate(burst=30, per_second=5)
OWN_KEYS = 1_000
OWN_PASSED = 500
ADDRESS_BEAT_SECONDS = 60


class VisitorSocket(Socket):
    """One tab of one visitor."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.id = secrets.token_hex(8)
        self.address = scope_address(scope)
        self.flood = edge.Flood(self.address)
        self.typing_budget, self.other_budget = Bucket(TYPING), Bucket(OTHERS)
        self.widget: Widget | None = None
        # What the tab knows of the widget and of staff, and what it is yet to be told.
        self.settings_told: str | None = None
        self.settings_due: str | None = None
        self.person: ChatUser | None = None
        self.visit_id = 0
        self.cursor = 0
        self.history = "behind"
        self.switching = self.lost = False
        self.greeted: asyncio.Future[Welcome] | None = None
        self.own_keys: dict[str, None] = {}
        self.passed = 0
        self.address_beat_at = 0.0
        self.patience_seconds = HELLO_SECONDS

    # -- the socket's life

    async def opened(self) -> None:
        key = parse_qs(self.scope["query_string"].decode("latin-1")).get("key", [""])[0]
        self.widget = await admission.enter(self, key, self.header(b"origin"), self.header(b"host"))
        if self.widget is None:
            raise Closing(4403, "origin or key refused")
        # Counted from here on, and no earlier: whoever is turned away costs no store anything.
        self.address_beat_at = time.monotonic()
        if await COUNTER.ask((self.address, self.id)) > edge.ceiling(edge.SOCKETS_PER_ADDRESS):
            raise Closing(4429, "too many sockets from this address")
        presence.keep()

    async def closed(self) -> None:
        admission.leave(self)
        if self.person is not None:
            VisitorHub.current().unwatch(self, [str(self.person.uuid)])
        if self.greeted is not None and not self.greeted.done():
            self.greeted.add_done_callback(self._welcomed_too_late)
        # Who was lost didn't leave: their lease runs out by itself, counted from their last sign of life.
        lost = self.lost or not _is_goodbye(self.disconnect_code)
        if self.address_beat_at:
            await _release(None if lost else self.person, self.address, self.id)

    def _welcomed_too_late(self, greeted: asyncio.Future[Welcome]) -> None:
        if not greeted.cancelled() and greeted.exception() is None:
            task = asyncio.ensure_future(_leave(greeted.result().opened.person, self.id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def widget_changed(self, widget: Widget | None, settings: str | None) -> None:
        """The widget was set up anew, or staff came or went; None: its page may not have it any more."""
        if widget is None:
            self.close(Closing(4403, "origin or key refused"))
            return
        self.widget = widget
        self.settings_due = settings or self.settings_due
        # A welcome that is on its way may know less, and would overtake it.
        if self.person is not None and self.history != "greeting":
            self._tell_settings()

    def _tell_settings(self) -> None:
        due, self.settings_due = self.settings_due, None
        if due is not None and due != self.settings_told:
            self.settings_told = due
            self.push(due)

    def ping(self) -> str | None:
        return frames.encode("ping") if self.person is not None else None

    def silent(self) -> Closing:
        self.lost = True
        return Closing(4400, "no hello") if self.person is None else super().silent()

    async def received(self, text: str | None, binary: bytes | None) -> None:
        if self.person is not None:
            self._beat()
        try:
            await self._handle(_decoded(text))
        except FrameError as error:
            if self.person is None:
                self.push(frames.error_frame(error))
                raise Closing(4400, "no valid hello") from None
            self.push(frames.error_frame(error))
            if self.flood.refused():
                raise Closing(4429, "flood") from None
        except IdentityRefused:
            self.push(
                frames.encode(
                    "error", code="identity", detail="the identity's hash is missing, wrong or expired"
                )
            )
            raise Closing(4401, "identity refused") from None
        except TooManyPeople:
            self.push(frames.encode("error", code="too_fast", detail="too many new people from this address"))
            raise Closing(4429, "too many new people") from None
        except Blocked:
            raise Closing(4403, "blocked") from None
        except Gone:
            self.forget()

    async def _handle(self, frame: frames.Frame) -> None:
        if isinstance(frame, frames.Hello):
            await self._hello(frame)
            return
        if self.person is None:
            raise Closing(4400, "hello comes first")
        if isinstance(frame, frames.NewText):
            await self._message(frame)
        elif isinstance(frame, frames.Typing):
            await self._typing(frame)
        elif not isinstance(frame, frames.Pong):
            await self._other(frame)

    # -- frames

    async def _hello(self, frame: frames.Hello) -> None:
        if self.person is not None and not self.other_budget.take():
            raise FrameError("too_fast", "too many frames")
        assert self.widget is not None
        arrival = collecting.arrival(self.widget, frame.page, self.header(b"user-agent"), self.address)
        coming = Coming(self.widget, frame, arrival, self.address)
        held, self.history = self.history, "greeting"
        before, self.switching = self.person, True
        self.greeted = asyncio.ensure_future(GREETER.ask(Greeting(coming, self.id, before)))
        try:
            # Shielded: whoever goes meanwhile must know what to give back.
            welcome = await asyncio.shield(self.greeted)
        except Exception:
            # Refused: whoever they were before goes on, and hears what came meanwhile.
            self.history = held
            if before is not None:
                VisitorHub.current().look_again(str(before.uuid))
                self._tell_settings()
            raise
        finally:
            self.switching = False
        self.become(welcome.opened.person)
        self.visit_id = welcome.opened.visit_id
        if welcome.sockets > edge.ceiling(edge.SOCKETS_PER_VISITOR):
            raise Closing(4429, "too many sockets of this visitor")
        self.patience_seconds = 45.0
        self._welcome(self.widget, frame.after, welcome)

    def _welcome(self, widget: Widget, after: int, welcome: Welcome) -> None:
        opened, messages = welcome.opened, welcome.messages
        self.cursor = messages[-1].pk if messages else after
        self.push(
            frames.encode(
                "welcome",
                token=opened.token,
                user=frames.user_fields(opened.person),
                messages=[frames.message_fields(message) for message in messages],
                more=welcome.more,
                unread=opened.unread,
                staff_online=welcome.staff_online,
                widget=appearance(widget),
            )
        )
        self.settings_told = settings_frame(widget, staff_online=welcome.staff_online)
        self._tell_settings()
        if welcome.read is not None:
            self.push(frames.encode("read", up_to=welcome.read.up_to, at=frames.moment(welcome.read.at)))
        # Somebody who is behind says hello again; a newer message told now would hide the gap from them.
        self.history = "behind" if welcome.more else "whole"
        if self.history == "whole":
            # What was committed after the history was read and before this socket was known to the hub.
            VisitorHub.current().look_again(str(opened.person.uuid))

    async def _message(self, frame: frames.NewText) -> None:
        assert self.person is not None
        key = frame.client_id.lower()
        self.own_keys[key] = None
        if len(self.own_keys) > OWN_KEYS:
            del self.own_keys[next(iter(self.own_keys))]
        stored = await _say(self.person.pk, frame)
        message = stored.message
        self.push(
            frames.encode(
                "ack", client_id=frame.client_id, id=message.pk, at=frames.moment(message.created_at)
            )
        )

    async def _typing(self, frame: frames.Typing) -> None:
        assert self.person is not None
        if not (self.typing_budget if frame.on else self.other_budget).take():
            raise FrameError("too_fast", "typing: once a second")
        await announce_now(
            Event("typing.changed", str(self.person.uuid), {"side": "visitor", "on": frame.on})
        )

    async def _other(self, frame: frames.Frame) -> None:
        assert self.person is not None and self.widget is not None
        if not self.other_budget.take():
            raise FrameError("too_fast", "too many frames")
        if isinstance(frame, frames.Ping):
            self.push(frames.encode("pong"))
        elif isinstance(frame, frames.Read):
            await _read(self.person.pk, frame.up_to)
        elif isinstance(frame, frames.Widget):
            await _move(self.person.pk, self.visit_id, frame.event)
        elif isinstance(frame, frames.PageView):
            title = collecting.title_of(self.widget, frame.title)
            await _see(self.person.pk, self.visit_id, frame.url, title)
        elif isinstance(frame, frames.Identify):
            await self._identify(frame)

    async def _identify(self, frame: frames.Identify) -> None:
        assert self.person is not None and self.widget is not None
        before = self.person
        self.switching = True
        try:
            person, changed = await _identify(self.widget, before.pk, frame)
        finally:
            self.switching = False
        if person.pk != before.pk:
            self.become(person)
            await _switch(before, person, self.id)
        else:
            self.person = person
        self.push(frames.encode("identified", user=frames.user_fields(person), reload=changed))

    # -- what others tell this socket

    def wrote(self, client_id: str) -> bool:
        """Whether a message is this tab's own."""
        return client_id in self.own_keys

    def passes_over(self, client_id: str) -> bool:
        """Whether it is, and need not be looked for. Now and then no, so that the cursor doesn't fall far behind."""
        self.passed = (self.passed + 1) % OWN_PASSED
        return self.wrote(client_id) and self.passed != 0

    def listens(self) -> bool:
        """Whether messages may be told now. During the hello they may not, and are looked for after it."""
        return self.history == "whole"

    def deliver(self, pk: int, fields: dict[str, Any] | None) -> None:
        """A message of this person was committed: sent on, unless the other side has it already. Its `fields` are
        None where it is nobody's news."""
        if self.history != "whole" or pk <= self.cursor:
            return
        self.cursor = pk
        if fields is not None and fields.get("client_id") not in self.own_keys:
            self.push(frames.encode("message", **fields))

    def become(self, person: ChatUser) -> None:
        """This tab belongs to somebody else from now on: the one whom the earlier person was joined to."""
        hub = VisitorHub.current()
        if self.person is not None:
            hub.unwatch(self, [str(self.person.uuid)])
        self.person = person
        hub.watch(self, [str(person.uuid)])

    def forget(self) -> None:
        """The person was erased: tells the tab, and nothing else any more."""
        self.drop_queue()
        self.push(frames.encode("forget"))
        self.close(Closing(1000, "forgotten"))

    def _beat(self) -> None:
        assert self.person is not None
        presence.beat(self.person.uuid, self.id)
        now = time.monotonic()
        if now - self.address_beat_at >= ADDRESS_BEAT_SECONDS:
            self.address_beat_at = now
            task = asyncio.ensure_future(_hold(self.address, self.id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _is_goodbye(code: int | None) -> bool:
    """Whether a socket that ended so was closed, by the other side (a closing page says 1001), by us or by our end."""
    return code is None or code in {1000, 1001, 1005, 1012} or code >= 4000


def _decoded(text: str | None) -> frames.Frame:
    """The frame; None is a binary one. Raises Closing for one that is too big, FrameError for one that is none."""
    if text is None:
        raise FrameError("malformed", "a binary frame")
    if len(text) > frames.FRAME_BYTES or len(text.encode()) > frames.FRAME_BYTES:
        raise Closing(4413, "frame too big")
    return frames.decode(text)


# -- one thread hop each

_say = sessions.say_soon
COUNTER: Together[tuple[str, str], int] = Together(edge.places_of)
_hold = hop(edge.hold)
_read = hop(sessions.read_up_to)
_move = hop(sessions.move_widget)
_see = hop(sessions.see_page)
_identify = hop(sessions.identify)


@hop
def _switch(before: ChatUser, after: ChatUser, socket: str) -> None:
    presence.leave(before.uuid, socket)
    presence.arrive(after.uuid, socket)


@hop
def _leave(person: ChatUser, socket: str) -> None:
    presence.leave(person.uuid, socket)


@hop
def _release(person: ChatUser | None, address: str, socket: str) -> None:
    if person is not None:
        presence.leave(person.uuid, socket)
    edge.release(address, socket)
