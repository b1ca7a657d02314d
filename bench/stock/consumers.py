"""Two consumers: the visitor's and the staff page's. An event is a `group_send`, rendered by each socket that shows it.

They speak so much of docs/protocol.md as the load needs, and write the rows that ours does: message, counters, turn,
last sign of life, visit, activity. Each piece of database work is a hop of its own, as in the tutorial.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from bench.stock import store


class VisitorConsumer(AsyncWebsocketConsumer):
    """One tab of one visitor."""

    async def connect(self) -> None:
        self.person: int | None = None
        self.uuid: str | None = None
        self.visit = 0
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.uuid is not None:
            await self.channel_layer.group_discard(f"user.{self.uuid}", self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = json.loads(text_data or "{}")
        if frame["type"] == "hello":
            await self.hello(frame)
        elif frame["type"] == "message" and self.person is not None:
            await self.message(frame, self.person)
        elif frame["type"] == "typing" and self.uuid is not None:
            event = {"type": "staff.typing", "user": self.uuid, "on": frame["on"]}
            await self.channel_layer.group_send("staff", event)

    async def hello(self, frame: dict[str, Any]) -> None:
        self.person, self.uuid, self.visit = await database_sync_to_async(store.arrive)(
            frame["page"]["url"], frame["page"]["title"]
        )
        await self.channel_layer.group_add(f"user.{self.uuid}", self.channel_name)
        await self.say(
            "welcome", token=secrets.token_urlsafe(24), user={"id": self.uuid}, messages=[], more=False
        )

    async def message(self, frame: dict[str, Any], person: int) -> None:
        pk, at = await database_sync_to_async(store.save_message)(person, frame["client_id"], frame["body"])
        await database_sync_to_async(store.count)(person, pk)
        await database_sync_to_async(store.seen)(person, self.visit)
        await self.say("ack", client_id=frame["client_id"], id=pk, at=at.isoformat())
        event = {
            "type": "chat.message",
            "user": self.uuid,
            "id": pk,
            "body": frame["body"],
            "client_id": frame["client_id"],
        }
        await self.channel_layer.group_send(f"user.{self.uuid}", event | {"sender": self.channel_name})
        await self.channel_layer.group_send("staff", event)

    async def chat_message(self, event: dict[str, Any]) -> None:
        if event["sender"] != self.channel_name:
            await self.say("message", id=event["id"], body=event["body"], client_id=event["client_id"])

    async def say(self, kind: str, **fields: Any) -> None:
        await self.send(text_data=json.dumps({"type": kind, **fields}))


class StaffConsumer(AsyncWebsocketConsumer):
    """One page of one member of staff."""

    async def connect(self) -> None:
        self.users: set[str] = set()
        self.open: str | None = None
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(4401)
            return
        await self.channel_layer.group_add("staff", self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("staff", self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = json.loads(text_data or "{}")
        if frame["type"] == "watch":
            self.users, self.open = set(frame["users"]), frame["open"]
            await self.send(text_data=await database_sync_to_async(store.rows)(list(self.users)))

    async def chat_message(self, event: dict[str, Any]) -> None:
        if event["user"] in self.users:
            is_open = event["user"] == self.open
            html = await database_sync_to_async(store.fragment)(
                event["user"], event["id"] if is_open else None
            )
            await self.send(text_data=html)

    async def staff_typing(self, event: dict[str, Any]) -> None:
        if event["user"] in self.users:
            await self.send(text_data=await database_sync_to_async(store.fragment)(event["user"], None))
