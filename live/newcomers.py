"""Counts, for each open list, who is new to it: created, or moved, and not among the rows on screen.

What happens is gathered for a second; then each list that is open is asked once for the people concerned, however
many pages show it. The work of a second is bounded, whatever happens in it: people over the bound aren't counted,
and lists that get no turn get theirs first the next time.
"""

from __future__ import annotations

import asyncio
import time
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from django.utils import timezone

from chatadmin.lib.bus import Event
from chatadmin.lib.threads import hop
from conversations.models import Sender
from search import arrivals
from search.arrivals import CAME, CREATED, FIRST, SAID, WROTE, Moved, Text

log = structlog.get_logger("chatadmin.newcomers")

GATHER_SECONDS = 1.0
# So long may the lists of one second be asked; one that is being asked then is asked to its end.
TURN_SECONDS = 0.4
MOST_MOVED = 500
# A page that counts more says that it is more, and hears of nobody else.
MOST_COUNTED = 100


@dataclass(frozen=True)
class Listing:
    """A list: its query string, and the time zone that its days are in (None: the installation's)."""

    query: str
    zone: zoneinfo.ZoneInfo | None = None


class ListPage(Protocol):
    """What is asked of a page that shows a list."""

    listing: Listing | None
    since: float
    counted: set[str]

    def arrived(self, people: set[str]) -> None: ...
    def left(self, name: str) -> None: ...


class Newcomers:
    """Those who moved since the last look, and the lists that are still to be asked for earlier ones."""

    def __init__(self, pages: Callable[[], Sequence[ListPage]]) -> None:
        self.pages = pages
        self.moved: dict[str, Moved] = {}
        self.waiting: dict[Listing, dict[str, Moved]] = {}
        self.clock = asyncio.get_running_loop().create_task(self._tick())

    def note(self, event: Event) -> None:
        """Takes down what an event says of somebody. Never blocks."""
        name = event.chat_user
        if event.name in {"user.erased", "user.merged"}:
            self.moved.pop(name, None)
            for page in self.pages():
                page.left(name)
            return
        kinds = _kinds(event)
        if kinds and (name in self.moved or len(self.moved) < MOST_MOVED):
            messages = event.data["messages"] if event.name == "user.imported" else []
            messages = [event.data["id"]] if event.name == "message.created" else messages
            self.moved.setdefault(name, Moved()).add(Moved(kinds, messages, time.monotonic()))

    async def tell(self) -> None:
        """Looks up whom each open list has got, and tells the pages that show it."""
        moved, self.moved = self.moved, {}
        due = self.waiting = self._due(moved)
        until = time.monotonic() + TURN_SECONDS
        said = None
        while due and time.monotonic() < until:
            listing = next(iter(due))
            if said is None and arrivals.wanted(listing.query).words:
                said = await _texts(
                    {pk for people in due.values() for one in people.values() for pk in one.messages}
                )
            # One list that can't be asked must not keep the others from being asked.
            people = due.pop(listing)
            found = await _arrived(listing, people, said or {})
            for page in self.pages():
                if page.listing == listing:
                    page.arrived({name for name in found if people[name].at >= page.since})

    def _due(self, moved: dict[str, Moved]) -> dict[Listing, dict[str, Moved]]:
        """Each list that somebody may be new to, with those people; first the lists that have waited."""
        shown = {page.listing for page in self.pages() if len(page.counted) < MOST_COUNTED}
        due: dict[Listing, dict[str, Moved]] = {}
        for listing in [*self.waiting, *(shown - self.waiting.keys())]:
            if listing is None or listing not in shown:
                continue
            people = self.waiting.get(listing, {})
            for name, one in arrivals.wanted(listing.query).among(moved).items():
                if name in people or len(people) < MOST_MOVED:
                    # A copy: the same person waits for each list by themselves.
                    people.setdefault(name, Moved()).add(one)
            if people:
                due[listing] = people
        return due

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            if not self.moved and not self.waiting:
                continue
            try:
                await self.tell()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.error("newcomers.failed", error=type(error).__name__, exc_info=error)


def _kinds(event: Event) -> set[str]:
    """What an event says of the person that it is about, as far as it can bring them to a list."""
    data = event.data
    if event.name == "user.created":
        return {CREATED}
    if event.name == "presence.changed":
        return {CAME} if data["online"] else set()
    if event.name in {"user.changed", "user.imported"}:
        return set(data.get("fields", ()))
    if event.name == "message.created" and data["sender"] != Sender.SYSTEM:
        return {SAID, FIRST, WROTE} if data["sender"] == Sender.VISITOR else {SAID, FIRST}
    return set()


@hop
def _texts(messages: set[int]) -> dict[int, Text]:
    return arrivals.texts(messages)


@hop
def _arrived(listing: Listing, candidates: Mapping[str, Moved], said: Mapping[int, Text]) -> set[str]:
    with timezone.override(listing.zone or timezone.get_default_timezone()):
        return arrivals.arrived(listing.query, candidates, said)
