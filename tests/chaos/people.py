"""Those who go on whatever happens: a visitor who writes, and a member of staff with a profile open who answers."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import re
import uuid
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException
from websockets.typing import Origin

from tests.staff_http import StaffBrowser
from widget.client import Place, Visitor

BROKEN = (OSError, TimeoutError, WebSocketException, InvalidHandshake, InvalidMessage, EOFError)
SHOWN = re.compile(r'data-message="(-?\d+)" data-from="(?:visitor|staff)"')
DOT = re.compile(r"data-user='([0-9a-f-]+)'\] \[data-slot='dot'\]\"[^>]*data-presence=\"(\w+)\"")
BACK_SECONDS = 0.5


class Writer:
    """A visitor who writes every few seconds. `acknowledged`: (client_id, id, body) as they were; `heard`: what staff
    said, by id, as the tab shows it."""

    def __init__(self, place: Place, rng: random.Random, number: int) -> None:
        self.rng, self.number = rng, number
        self.acknowledged: list[tuple[str, int, str]] = []
        self.heard: list[int] = []
        self.visitor = Visitor(place, on_frame=self._frame)

    @property
    def uuid(self) -> str:
        """Who they are to the server."""
        return str(self.visitor.user["id"])

    def _frame(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message" and frame["from"] == "staff":
            self.heard.append(frame["id"])

    async def write(self, over: asyncio.Event) -> None:
        """Writes until it is over; what was begun is said to its end."""
        while not over.is_set():
            await self.say(f"{self.number}: line {len(self.acknowledged)}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self.rng.uniform(2, 6))

    async def say(self, body: str) -> None:
        """Says it until it is acknowledged."""
        key = str(uuid.uuid4())
        ack = await self.visitor.send(body, key)
        self.acknowledged.append((key, ack["id"], body))


class Desk:
    """A member of staff: a page that shows everyone's row and one profile, and a form that answers anybody.

    `answered`: (person, client_id, body) of each reply that was taken. `shown`: the messages on the profile, as they
    came; `dots`: what the page says of each person's presence.
    """

    def __init__(self, browser: StaffBrowser, url: str, rng: random.Random) -> None:
        self.browser, self.url, self.rng = browser, url, rng
        self.people: list[str] = []
        self.opened = ""
        self.shown: list[int] = []
        self.dots: dict[str, str] = {}
        self.answered: list[tuple[str, str, str]] = []
        self.errors: list[int] = []
        self.socket: Any = None
        self.page = asyncio.Event()

    def look_at(self, people: Sequence[str], opened: str) -> None:
        """Whom the page shows from now on."""
        self.people, self.opened = list(people), opened

    async def run(self) -> None:
        """Keeps the page's socket, until it is cancelled."""
        while True:
            with contextlib.suppress(*BROKEN):
                async with connect(
                    f"{self.url.replace('http', 'ws', 1)}/ws/staff/",
                    origin=Origin(self.url),
                    additional_headers={"Cookie": self.browser.cookies},
                    compression=None,
                    ping_interval=None,
                    open_timeout=5,
                    close_timeout=1,
                    max_size=None,
                    proxy=None,
                ) as self.socket:
                    await self.watch()
                    await self._listen()
            self.socket = None
            await asyncio.sleep(BACK_SECONDS)

    async def watch(self) -> None:
        """Says what the page shows, and so asks for what it missed."""
        frame = {
            "type": "watch",
            "users": self.people,
            "open": self.opened,
            "log": True,
            "timeline": False,
            "last": max(self.shown, default=0),
        }
        if self.socket is not None:
            with contextlib.suppress(*BROKEN):
                await self.socket.send(json.dumps(frame))

    async def _listen(self) -> None:
        while True:
            text = str(await asyncio.wait_for(self.socket.recv(), 40))
            if text == '{"type": "ping"}':
                await self.socket.send(json.dumps({"type": "pong"}))
            elif text == '{"type": "lagged"}':
                await self.watch()
            else:
                self._take(text)

    def _take(self, text: str) -> None:
        for found in SHOWN.finditer(text):
            # As the page's own script does: what is there already isn't put there again.
            if int(found[1]) not in self.shown:
                self.shown.append(int(found[1]))
        for found in DOT.finditer(text):
            self.dots[found[1]] = found[2]

    async def answer(self, over: asyncio.Event) -> None:
        """Answers one after another, those whose profile is open most often, until it is over."""
        while not over.is_set():
            person = self.opened if self.rng.random() < 0.4 else self.rng.choice(self.people)
            await self.reply(person, f"answer {len(self.answered)}")
            await asyncio.sleep(self.rng.uniform(0.5, 1.5))

    async def reply(self, person: str, body: str) -> None:
        """Posts a reply until it is taken."""
        key = str(uuid.uuid4())
        while True:
            try:
                status, _ = await asyncio.to_thread(
                    self.browser.post, f"/users/{person}/messages/", body=body, client_id=key
                )
            except (OSError, http.client.HTTPException):
                status = 0
            if status in (200, 302):
                self.answered.append((person, key, body))
                return
            self.errors += [status] if status else []
            await asyncio.sleep(BACK_SECONDS)
