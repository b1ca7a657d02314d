"""Simulated visitors for the demo: thirty people who come, look around, write, wait for an answer, go and come back.

They talk to the public socket as anybody's browser does, and keep their tokens in a file, so that after a restart
the same people return. Nothing here reads settings or the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from conversations.demo import people
from conversations.demo.speech import Language, Speaker, languages
from widget.client import Forgotten, Frame, Place, Refused, Visitor

log = structlog.get_logger("chatadmin.simulator")

PEOPLE = 30
# One message of somebody's every so often, however many are here.
RHYTHM_SECONDS = (5.0, 8.0)
PARKED_SECONDS = 300.0
NEW_SHARE = 0.25
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
        " Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0"
        " Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile"
        " Safari/537.36"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
        " Safari/537.36 Edg/131.0.0.0"
    ),
]


@dataclass
class Someone:
    """A simulated person. `token` is what their browser keeps; `told` whether they have said their name."""

    agent: str
    language: str
    name: str = ""
    email: str = ""
    token: str | None = None
    told: bool = False
    parked_until: float = field(default=0.0)


def make_someone(rng: random.Random, number: int) -> Someone:
    """A new person of some language; a third of them never say who they are."""
    spoken = list(languages().values())
    language = rng.choices(spoken, weights=[item.weight for item in spoken])[0]
    name, email = ("", "") if rng.random() < 0.33 else people.name_and_address(rng, language, number)
    return Someone(agent=rng.choice(AGENTS), language=language.code, name=name, email=email)


class Crowd:
    """Everyone there is, who of them is away, and the file that remembers them."""

    def __init__(self, rng: random.Random, state: Path | None) -> None:
        self.rng, self.state = rng, state
        self.everyone = self._remembered() or [make_someone(rng, number) for number in range(PEOPLE)]
        self.away = list(self.everyone)

    def _remembered(self) -> list[Someone]:
        if self.state is None:
            return []
        try:
            raw = json.loads(self.state.read_text(encoding="utf-8"))["people"]
            return [Someone(**{**item, "parked_until": 0.0}) for item in raw][:PEOPLE]
        except (OSError, ValueError, KeyError, TypeError):
            return []  # none yet, or not ours: new people then

    def save(self) -> None:
        """Writes the file anew, readable by its owner only: tokens are secrets."""
        if self.state is None:
            return
        fresh = self.state.with_name(f"{self.state.name}.new")
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump({"people": [asdict(someone) for someone in self.everyone]}, file, ensure_ascii=False)
        fresh.replace(self.state)

    @contextlib.contextmanager
    def one(self) -> Iterator[Someone | None]:
        """Somebody who is away, until they are away again; None where nobody can come now."""
        free = [someone for someone in self.away if someone.parked_until <= time.monotonic()]
        if not free:
            yield None
            return
        known = [someone for someone in free if someone.token is not None]
        chosen = self.rng.choice(known if known and self.rng.random() > NEW_SHARE else free)
        self.away.remove(chosen)
        try:
            yield chosen
        finally:
            self.away.append(chosen)


class Rhythm:
    """Lets one visitor after the other speak, at a calm pace."""

    def __init__(self, rng: random.Random, seconds: tuple[float, float]) -> None:
        self.rng, self.seconds = rng, seconds
        self.turn = asyncio.Lock()

    async def wait(self) -> None:
        """Returns when it is one's turn."""
        async with self.turn:
            await asyncio.sleep(self.rng.uniform(*self.seconds))


class Visit:
    """One visit of one person, from the first page to the last."""

    def __init__(
        self, someone: Someone, place: Place, rng: random.Random, rhythm: Rhythm, crowd: Crowd, unit: float
    ) -> None:
        self.someone, self.rng, self.rhythm, self.crowd, self.unit = someone, rng, rhythm, crowd, unit
        self.language: Language = languages()[someone.language]
        self.answers: asyncio.Queue[int] = asyncio.Queue()
        path, title = rng.choice(people.PAGES)
        page = {"url": place.url + path, "title": title, "referrer": rng.choice(people.REFERRERS)}
        self.place = place
        self.visitor = Visitor(
            place, token=someone.token, page=page, user_agent=someone.agent, on_frame=self.heard
        )

    def heard(self, frame: Frame) -> None:
        """A frame came in."""
        if frame["type"] == "welcome" and frame["token"] != self.someone.token:
            self.someone.token, self.someone.told = frame["token"], False
            self.crowd.save()
        elif frame["type"] == "message" and frame["from"] in ("staff", "bot"):
            self.answers.put_nowait(frame["id"])

    async def run(self) -> None:
        """Comes, looks, writes, goes. Raises Refused, Forgotten."""
        async with self.visitor as visitor:
            await visitor.ready()
            await self.pause(2, 9)
            await self.look_around()
            await visitor.frame("widget", event="opened")
            await self.read_answers()
            await self.talk()
            await self.introduce()
            await self.pause(5, 40)
            await self.read_answers()
            await visitor.frame("widget", event="closed")
            if self.rng.random() < 0.5:
                await self.look_around()
            await self.pause(1, 10)

    async def pause(self, least: float, most: float) -> None:
        """Does nothing for so many seconds."""
        await asyncio.sleep(self.rng.uniform(least, most) * self.unit)

    async def look_around(self) -> None:
        """Opens up to two more pages."""
        for _ in range(self.rng.randrange(3)):
            path, title = self.rng.choice(people.PAGES)
            await self.visitor.frame("page", url=self.place.url + path, title=title)
            await self.pause(3, 12)

    async def talk(self) -> None:
        """The visitor's half of a talk; where the script has an answer, waits for one, but not for ever."""
        speaker = Speaker(self.rng)
        slots = speaker.slots(self.language)
        answered = False
        for line in self.rng.choice(self.language.talks):
            if line.sender != "visitor":
                answered = await self.wait_for_answer()
            elif line.kind == "text":
                if not answered:
                    await self.rhythm.wait()
                await self.say(speaker.say(line, slots).body)
                answered = False

    async def wait_for_answer(self) -> bool:
        """Whether staff wrote something while one was ready to wait."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.rng.uniform(8, 45) * self.unit):
                newest = await self.answers.get()
                await self.pause(1, 4)
                await self.visitor.frame("read", up_to=self.drained(newest))
                await self.pause(1, 3)
                return True
        return False

    async def read_answers(self) -> None:
        """Reads what came while one was away."""
        if not self.answers.empty():
            await self.pause(1, 4)
            await self.visitor.frame("read", up_to=self.drained(0))

    def drained(self, newest: int) -> int:
        """The highest id among `newest` and what else waits."""
        while not self.answers.empty():
            newest = max(newest, self.answers.get_nowait())
        return newest

    async def say(self, body: str) -> None:
        """Types for a while, as long as the line is, and sends it; now and then gives up typing once before."""
        if self.rng.random() < 0.1:
            await self.type_for(self.rng.uniform(1, 3))
            await self.pause(1, 4)
        await self.type_for(min(1.5 + 0.06 * len(body), 8.0))
        await self.visitor.send(body)

    async def type_for(self, seconds: float) -> None:
        """Types, telling so every 3 s as the widget does."""
        while seconds > 0:
            await self.visitor.frame("typing", on=True)
            await self.pause(min(seconds, 3), min(seconds, 3))
            seconds -= 3
        await self.visitor.frame("typing", on=False)

    async def introduce(self) -> None:
        """Leaves name and address, or one of them, once."""
        someone = self.someone
        if not someone.told and (someone.name or someone.email) and self.rng.random() < 0.6:
            given = {"name": someone.name, "email": someone.email}
            if self.rng.random() < 0.2:
                del given[self.rng.choice(["name", "email"])]
            someone.told = await self.visitor.frame("identify", **given)
            self.crowd.save()


async def simulate(
    place: Place,
    *,
    count: int = 12,
    state: Path | None = None,
    stop: asyncio.Event,
    rng: random.Random | None = None,
    unit: float = 1.0,
) -> None:
    """Keeps `count` of the people here, each for a visit, until `stop` is set. `unit` stretches every pause.

    A server that goes away is waited for; a person whom it doesn't take stays away for a while; one who was erased
    comes back as a stranger.
    """
    rng = rng or random.Random()
    crowd = Crowd(rng, state)
    rhythm = Rhythm(rng, (RHYTHM_SECONDS[0] * unit, RHYTHM_SECONDS[1] * unit))
    tasks = [
        asyncio.create_task(_come_and_go(place, crowd, rhythm, rng, unit, first=at * 1.5 * unit))
        for at in range(min(count, PEOPLE))
    ]
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        crowd.save()


async def _come_and_go(
    place: Place, crowd: Crowd, rhythm: Rhythm, rng: random.Random, unit: float, first: float
) -> None:
    await asyncio.sleep(first)
    while True:
        with crowd.one() as someone:
            if someone is not None:
                await _visit(someone, Visit(someone, place, rng, rhythm, crowd, unit))
        await asyncio.sleep(rng.uniform(4, 40) * unit)


async def _visit(someone: Someone, visit: Visit) -> None:
    try:
        await visit.run()
    except Forgotten:
        someone.token, someone.told = None, False
        visit.crowd.save()
    except Refused as refused:
        someone.parked_until = time.monotonic() + PARKED_SECONDS
        log.warning("simulator.refused", code=refused.code)
    except Exception as error:
        log.error("simulator.failed", error=type(error).__name__)
