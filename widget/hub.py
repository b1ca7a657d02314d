"""The visitors' sockets of this process, by person. A message is read once, however many tabs are open."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.db.models import Q

from chatadmin.lib.bus import GAP, Event
from chatadmin.lib.hub import Hub
from chatadmin.lib.socket import COME_BACK, Closing
from chatadmin.lib.threads import hop
from conversations.models import Message, Side
from users.models import ChatUser
from widget import frames
from widget.marks import Read, last_read

AT_ONCE = 1_000
LOOKED_UP = 200
# So long a sign that staff type holds: a page that dies says no more.
TYPING_SECONDS = 6.0
HEARD = {
    *("message.created", "message.read", "message.redacted", "typing.changed"),
    *("user.erased", "user.merged", "user.changed", "user.imported"),
}


class Tab(Protocol):
    """What the hub asks of a visitor's socket."""

    person: ChatUser | None
    cursor: int
    switching: bool

    def wrote(self, client_id: str) -> bool: ...
    def passes_over(self, client_id: str) -> bool: ...
    def listens(self) -> bool: ...
    def lagged(self) -> None: ...
    def push(self, text: str) -> None: ...
    def deliver(self, pk: int, fields: dict[str, Any] | None) -> None: ...
    def become(self, person: ChatUser) -> None: ...
    def forget(self) -> None: ...
    def close(self, closing: Closing) -> None: ...


class VisitorHub(Hub[Tab]):
    """Hands events on to the sockets of the person they are about."""

    def __init__(self) -> None:
        super().__init__()
        self.typed: dict[str, asyncio.TimerHandle] = {}
        # Whether everybody is to be looked at. No event alone says so: the queue may be full.
        self.unsure = False

    def wants(self, event: Event) -> bool:
        return event.name in HEARD and super().wants(event)

    async def handle(self, events: list[Event]) -> None:
        if self.unsure:
            await self._look_at_everybody()
        said = (event for event in events if event.name == "message.created")
        await self._tell_messages({event.chat_user for event in said if not self._is_known(event)})
        await self._tell_redacted([event for event in events if event.name == "message.redacted"])
        for event in events:
            if event.name == "message.read" and event.data["side"] == Side.STAFF:
                text = frames.encode("read", up_to=event.data["up_to"], at=_moment(event))
                self._push(event.chat_user, text)
            elif event.name == "typing.changed" and event.data["side"] == Side.STAFF:
                self._tell_typing(event.chat_user, on=event.data["on"])
            elif event.name == "user.erased":
                self._forget(event.chat_user)
            elif event.name == "user.merged":
                await self._move(event)
            elif event.name in {"user.changed", "user.imported"}:
                await self._changed(event)

    def _is_known(self, event: Event) -> bool:
        """Whether each tab of that person wrote this message itself: there is nothing to read for them."""
        client_id = event.data.get("client_id")
        return client_id is not None and all(tab.passes_over(client_id) for tab in self.of(event.chat_user))

    def look_again(self, name: str) -> None:
        """Has the sockets of that person told what they miss, as if a message had just come."""
        self._heard(Event("message.created", name))

    async def _tell_messages(self, names: set[str]) -> None:
        # By cursor, not by the event's id: two events may arrive the other way round than their messages were
        # committed, and a tab that is told the later one first would never hear of the earlier.
        tabs: dict[int, list[Tab]] = {}
        for name in names:
            for tab in self.of(name):
                if tab.listens() and tab.person is not None:
                    tabs.setdefault(tab.person.pk, []).append(tab)
        if not tabs:
            return
        messages = await _messages_after(tabs)
        for chat_user_id, pk, message in messages:
            fields = frames.message_fields(message) if message is not None else None
            for tab in tabs[chat_user_id]:
                if tab.person is not None and tab.person.pk == chat_user_id:
                    tab.deliver(pk, fields)
        if len(messages) >= AT_ONCE:
            for name in names:
                self.look_again(name)

    async def _tell_redacted(self, events: list[Event]) -> None:
        # Read anew: an event holds no words.
        for name, message in await _redacted([event.data["id"] for event in events]) if events else ():
            self._push(name, frames.encode("redacted", id=message.pk, body=message.body, data=message.data))

    def missed(self) -> None:
        """Events of other processes were lost, leases too perhaps: everybody is asked for a sign of life, those who were
        erased or blocked meanwhile are sent away, the others told what was read and the messages that they don't have."""
        for name in list(self.watchers):
            self._push(name, frames.encode("ping"))
        self.unsure = True
        # Not an event for each: there may be more people than the queue holds.
        self._queue(Event(GAP))

    async def _look_at_everybody(self) -> None:
        names, self.unsure = list(self.watchers), False
        try:
            for start in range(0, len(names), LOOKED_UP):
                await self._look_at(names[start : start + LOOKED_UP])
        except BaseException:
            self.unsure = True
            raise

    async def _look_at(self, names: list[str]) -> None:
        blocked = await _blocked(names)
        for name in names:
            if name not in blocked:  # erased or joined to another: they come back as whoever they are
                self._close(name, Closing(COME_BACK, "gone"))
            elif blocked[name]:
                self._close(name, Closing(4403, "blocked"))
        for name, read in (await _last_read(names)).items():
            self._push(name, frames.encode("read", up_to=read.up_to, at=frames.moment(read.at)))
        await self._tell_messages({name for name, is_blocked in blocked.items() if not is_blocked})

    def _tell_typing(self, name: str, *, on: bool) -> None:
        held = self.typed.pop(name, None)
        if held is not None:
            held.cancel()
        if on:
            loop = asyncio.get_running_loop()
            self.typed[name] = loop.call_later(TYPING_SECONDS, lambda: self._tell_typing(name, on=False))
        self._push(name, frames.encode("typing", on=on))

    def _push(self, name: str, text: str) -> None:
        for socket in self.of(name):
            socket.push(text)

    def _forget(self, name: str) -> None:
        for socket in self.of(name):
            socket.forget()

    async def _move(self, event: Event) -> None:
        sockets = self.of(event.chat_user)
        person = await _person(event.data["into"])
        for socket in sockets:
            if socket.switching:  # it asked for this itself, and gets its own answer
                continue
            if person is None:
                socket.forget()
            else:
                socket.become(person)
                socket.push(frames.encode("identified", user=frames.user_fields(person), reload=True))

    async def _changed(self, event: Event) -> None:
        """Shuts out who was blocked; has the tabs of somebody with messages from a file show their history anew."""
        was_brought = bool(event.data.get("messages"))
        if not was_brought and "blocked" not in event.data["fields"]:
            return
        person = await _person(event.chat_user)
        if person is not None and person.blocked_at is not None:
            self._close(event.chat_user, Closing(4403, "blocked"))
        elif person is not None and was_brought:
            text = frames.encode("identified", user=frames.user_fields(person), reload=True)
            self._push(event.chat_user, text)

    def _close(self, name: str, closing: Closing) -> None:
        for socket in self.of(name):
            socket.close(closing)


def _moment(event: Event) -> str:
    return frames.moment(dt.datetime.fromisoformat(event.data["at"]))


@hop
def _messages_after(tabs: Mapping[int, Sequence[Tab]]) -> list[tuple[int, int, Message | None]]:
    """(Person, id, message) after the lowest cursor of each person's tabs, in id order, AT_ONCE at most.

    No message where all of them wrote it themselves: it isn't read.
    """
    missed = Q()
    for chat_user_id, those in tabs.items():
        missed |= Q(chat_user=chat_user_id, id__gt=min(tab.cursor for tab in those))
    keys = Message.objects.filter(missed).order_by("id").values_list("chat_user", "id", "client_id")
    rows = list(keys[:AT_ONCE])
    unknown = [
        pk
        for chat_user_id, pk, client_id in rows
        if client_id is None or not all(tab.wrote(str(client_id)) for tab in tabs[chat_user_id])
    ]
    messages = Message.objects.in_bulk(unknown) if unknown else {}
    return [(chat_user_id, pk, messages.get(pk)) for chat_user_id, pk, _ in rows]


@hop
def _redacted(ids: list[int]) -> list[tuple[str, Message]]:
    """(Person, message) of these messages, in id order."""
    messages = Message.objects.filter(pk__in=ids).order_by("pk").select_related("chat_user")
    return [(str(message.chat_user.uuid), message) for message in messages]


@hop
def _blocked(names: list[str]) -> dict[str, bool]:
    """Of these people (uuids) those who live, and whether they are blocked."""
    living = ChatUser.objects.filter(uuid__in=names, erased_at=None)
    return {str(uuid): at is not None for uuid, at in living.values_list("uuid", "blocked_at")}


@hop
def _last_read(names: list[str]) -> dict[str, Read]:
    """What staff have read last of each of these people (uuids)."""
    ids = {pk: str(uuid) for pk, uuid in ChatUser.objects.filter(uuid__in=names).values_list("pk", "uuid")}
    return {ids[pk]: read for pk, read in last_read(ids).items()}


@hop
def _person(uuid: str) -> ChatUser | None:
    return ChatUser.objects.filter(uuid=uuid, erased_at=None).first()
