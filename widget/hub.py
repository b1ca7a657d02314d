"""The visitors' sockets of this process, by person. A message is read once, however many tabs are open."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from channels.db import database_sync_to_async

from chatadmin.lib.bus import Event
from chatadmin.lib.hub import Hub
from chatadmin.lib.socket import Closing
from conversations.models import Message, Side
from users.models import ChatUser
from widget import frames

HEARD = {"message.created", "message.read", "typing.changed", "user.erased", "user.merged", "user.changed"}


class Tab(Protocol):
    """What the hub asks of a visitor's socket."""

    def push(self, text: str) -> None: ...
    def deliver(self, fields: dict[str, Any]) -> None: ...
    def become(self, person: ChatUser) -> None: ...
    def forget(self) -> None: ...
    def close(self, closing: Closing) -> None: ...


class VisitorHub(Hub[Tab]):
    """Hands events on to the sockets of the person they are about."""

    def wants(self, event: Event) -> bool:
        return event.name in HEARD and super().wants(event)

    async def handle(self, events: list[Event]) -> None:
        wanted = [event.data["id"] for event in events if event.name == "message.created"]
        messages = await _messages(wanted) if wanted else {}
        for event in events:
            if event.name == "message.created":
                self._message(event, messages.get(event.data["id"]))
            elif event.name == "message.read" and event.data["side"] == Side.STAFF:
                self._push(event, frames.encode("read", up_to=event.data["up_to"], at=_moment(event)))
            elif event.name == "typing.changed" and event.data["side"] == Side.STAFF:
                self._push(event, frames.encode("typing", on=event.data["on"]))
            elif event.name == "user.erased":
                self._forget(event)
            elif event.name == "user.merged":
                await self._move(event)
            elif event.name == "user.changed" and "blocked" in event.data["fields"]:
                await self._shut_out(event)

    def _push(self, event: Event, text: str) -> None:
        for socket in self.of(event.chat_user):
            socket.push(text)

    def _message(self, event: Event, message: Message | None) -> None:
        if message is None:  # erased in between
            return
        fields = frames.message_fields(message)
        for socket in self.of(event.chat_user):
            socket.deliver(fields)

    def _forget(self, event: Event) -> None:
        for socket in self.of(event.chat_user):
            socket.forget()

    async def _move(self, event: Event) -> None:
        sockets = self.of(event.chat_user)
        person = await _person(event.data["into"])
        for socket in sockets:
            if person is None:
                socket.forget()
            else:
                socket.become(person)
                socket.push(frames.encode("identified", user=frames.user_fields(person), reload=True))

    async def _shut_out(self, event: Event) -> None:
        person = await _person(event.chat_user)
        if person is not None and person.blocked_at is not None:
            for socket in self.of(event.chat_user):
                socket.close(Closing(4403, "blocked"))


def _moment(event: Event) -> str:
    return frames.moment(dt.datetime.fromisoformat(event.data["at"]))


@database_sync_to_async
def _messages(ids: list[int]) -> dict[int, Message]:
    return {message.pk: message for message in Message.objects.filter(pk__in=ids)}


@database_sync_to_async
def _person(uuid: str) -> ChatUser | None:
    return ChatUser.objects.filter(uuid=uuid, erased_at=None).first()
