"""Staff pages as they watch: what each was told of the people on it, and when."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

import msgspec

from bench.live.visitors import Visitor
from bench.live.wire import Wire, connect

PONG = b'{"type":"pong"}'
# The leaf of a row that says how many messages there are; and a message on an open profile, by what it says.
ROW = re.compile(rb"\[data-user='([0-9a-f-]{36})'\] \[data-slot='messages'\]\"[^>]*>([\d,]+)<")
ID = re.compile(rb'data-message="(\d+)"')
LINE = re.compile(rb"\bm(\d+)x(\d+) could you")
DOT = re.compile(rb"\[data-user='([0-9a-f-]{36})'\] \[data-slot='dot'\]\"[^>]*data-presence=\"(\w+)\"")


class Page:
    """One page that shows these people's rows, and one's profile where `opened`.

    `told`: how many messages it says each person (uuid) has; `seconds`: from each message's sending to the fragment
    that shows it; `lines`: the numbers of the open profile's messages that were shown; `dots`: presence by uuid;
    `typings`: fragments that say who types, `typing_at`: when the last of them came.
    """

    def __init__(self, visitors: Sequence[Visitor], opened: Visitor | None = None) -> None:
        self.opened = opened
        self.people = {visitor.uuid: visitor for visitor in visitors}
        self.told = dict.fromkeys(self.people, 0)
        self.lines: list[int] = []
        self.seconds: list[float] = []
        self.dots: dict[str, str] = {}
        self.frames = self.octets = 0
        self.typings, self.typing_at = 0, 0.0
        self.last = 0
        self.lagged = self.reloads = 0
        self.code = 0
        self.wire: Wire | None = None
        self.answered = asyncio.Event()

    async def open(self, url: str, cookies: str, *, receive_bytes: int = 0) -> None:
        """Connects and watches; returns once the state is here. Raises NotOpened, OSError, TimeoutError."""
        self.wire = await connect(
            f"{url}/ws/staff/",
            self._text,
            self._closed,
            headers={"Cookie": cookies},
            receive_bytes=receive_bytes,
        )
        self.watch()
        async with asyncio.timeout(60):
            await self.answered.wait()

    def watch(self) -> None:
        """Says what the page shows."""
        assert self.wire is not None
        fields = {
            "type": "watch",
            "users": list(self.people),
            "open": self.opened.uuid if self.opened else None,
            "log": True,
            "last": self.last if self.opened else None,
            "timeline": False,
        }
        self.wire.send(msgspec.json.encode(fields))

    def stop_reading(self) -> None:
        """Reads nothing any more, and says nothing either."""
        assert self.wire is not None and self.wire.transport is not None
        self.wire.transport.pause_reading()

    def close(self) -> None:
        """Closes the page."""
        if self.wire is not None:
            self.wire.close()

    def take(self) -> list[float]:
        """The seconds since the last look."""
        taken, self.seconds = self.seconds, []
        return taken

    @property
    def behind(self) -> int:
        """How many messages of the people on it this page hasn't been told of."""
        rows = sum(max(0, len(v.said) - self.told[uuid]) for uuid, v in self.people.items())
        return rows + (len(self.opened.said) - len(set(self.lines)) if self.opened else 0)

    def _text(self, payload: bytes) -> None:
        now = time.perf_counter()
        if payload[:1] == b"{":
            self._control(payload)
            return
        self.frames, self.octets = self.frames + 1, self.octets + len(payload)
        if b"[data-slot='typing']" in payload:
            self.typings, self.typing_at = self.typings + 1, now
        for person, count in ROW.findall(payload):
            self._row(person.decode(), int(count.replace(b",", b"")), now)
        if self.opened is not None:
            self.last = max(self.last, *map(int, ID.findall(payload)), 0)
            for number, count in LINE.findall(payload):
                if int(number) == self.opened.number and int(count) not in self.lines[-50:]:
                    self.lines.append(int(count))
        if b"[data-slot='dot']" in payload:
            self.dots.update({p.decode(): state.decode() for p, state in DOT.findall(payload)})
            # Not at the first frame: the navigation's counts may come before the state.
            if self.dots.keys() >= self.people.keys():
                self.answered.set()

    def _row(self, person: str, count: int, now: float) -> None:
        visitor = self.people.get(person)
        if visitor is None or count <= self.told[person]:
            return
        self.seconds += [now - sent for sent in visitor.said[self.told[person] : count]]
        self.told[person] = count

    def _control(self, payload: bytes) -> None:
        kind = msgspec.json.decode(payload).get("type")
        if kind == "ping" and self.wire is not None:
            self.wire.send(PONG)
        elif kind == "lagged":
            self.lagged += 1
            self.watch()
        elif kind == "reload" and self.opened is not None:
            # The page would be loaded anew, with all that was said until now.
            self.reloads += 1
            self.lines = list(range(1, len(self.opened.acknowledged) + 1))
            self.last = max((pk for _, pk in self.opened.acknowledged), default=0)
            self.watch()

    def _closed(self, code: int) -> None:
        self.wire, self.code = None, code


async def desks(url: str, cookies: str, visitors: Sequence[Visitor], lists: int = 4) -> list[Page]:
    """The watching pages: lists of 50 rows of these people, one after another, and one open profile, the first's."""
    parts = [visitors[at * 50 : (at + 1) * 50] or visitors[:50] for at in range(lists)]
    pages = [*(Page(part) for part in parts), Page(visitors[:1], visitors[0])]
    for page in pages:
        await page.open(url, cookies)
    return pages


async def caught_up(pages: Sequence[Page], seconds: float = 10.0) -> int:
    """Waits until the pages show all that was said, `seconds` at most. Returns how many messages they still don't."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline and any(page.behind for page in pages):
        await asyncio.sleep(0.05)
    return sum(page.behind for page in pages)
