"""Fifty visitors and five staff write while servers are killed, Redis is restarted and sockets are cut at random.

A minute long; `CHAOS_SECONDS=3600 CHAOS_SEED=7 make test ARGS="tests/chaos/test_chaos.py"` for longer, and for another
order of events. On SQLite there is one server and no Redis, and the rest is the same.

Nobody is helped: once it is quiet no visitor says anything and no page asks for anything, but for what it does by
itself after a lost connection, or where it is told that it lags.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from conversations.counters import wrong
from conversations.models import Message, Sender
from staff.models import Role, Widget
from tests.chaos.people import Desk, Writer
from tests.cluster import Cluster
from tests.factories import make_account
from tests.proxy import Proxy
from tests.staff_http import StaffBrowser
from users.models import ChatUser
from widget.client import Place

SECONDS = float(os.environ.get("CHAOS_SECONDS") or 60)
SEED = int(os.environ.get("CHAOS_SEED") or 5)
VISITORS, STAFF = 50, 5
# Until all is said: what clients wait for between two tries, on a slow machine. Until each lost event is made good: 24 s,
# and the same. Until pages tell who is here: whoever was cut off just before they left is held to be here for 55 s.
QUIET_SECONDS, MENDED_SECONDS, TRUTH_SECONDS = 90, 40, 60


@dataclass
class Chaos:
    """Everyone, what stands between them, and how often what happened."""

    cluster: Cluster
    proxy: Proxy
    writers: list[Writer]
    desks: list[Desk]
    rng: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    took: dict[str, float] = field(default_factory=dict)
    online_page: str = ""

    # -- what happens

    async def strike(self, until: float) -> None:
        """One disaster after another, each kind as often as the others."""
        kinds: list[Callable[[], None]] = [self.kill, self.stop]
        if self.cluster.redis is not None:
            kinds.append(self.lose_redis)
        while time.monotonic() < until:
            self.rng.shuffle(kinds)
            for disaster in kinds:
                for _ in range(2):
                    await asyncio.sleep(self.rng.uniform(0.5, 2))
                    self.happened["cut"] += self.proxy.cut(self.rng.randint(1, 12), self.rng)
                await self.befall(disaster)
        if self.cluster.redis is not None:
            # The very last: nothing that is said later makes good what goes with it.
            await self.befall(self.lose_redis)

    async def befall(self, disaster: Callable[[], None]) -> None:
        """Has it happen, and notes that it did."""
        await asyncio.to_thread(disaster)
        self.happened[disaster.__name__] += 1

    def kill(self) -> None:
        """kill -9 of one server, and its restart."""
        self.rng.choice(self.cluster.servers).kill()
        self.cluster.revive()

    def stop(self) -> None:
        """SIGTERM to one server, and its restart."""
        self.rng.choice(self.cluster.servers).stop()
        self.cluster.revive()

    def lose_redis(self) -> None:
        """Redis loses all that it knew, and is away for up to four seconds: longer than anybody waits to tell it something."""
        self.cluster.restart_redis(self.rng.uniform(0, 4))

    # -- until all is quiet

    async def play(self) -> None:
        """A minute of it, then until everyone has all that was said."""
        over = asyncio.Event()
        working = [
            *(asyncio.create_task(writer.write(over)) for writer in self.writers),
            *(asyncio.create_task(desk.answer(over)) for desk in self.desks),
        ]
        await self.strike(time.monotonic() + SECONDS)
        over.set()
        async with asyncio.timeout(QUIET_SECONDS):
            await asyncio.gather(*working)
        await self.until_none("told", self.lacking, MENDED_SECONDS)

    async def until_none(self, what: str, wrong: Callable[[], list[str]], seconds: float) -> None:
        """Waits until nothing is wrong, and notes how long that took."""
        began = time.monotonic()
        while found := wrong():
            assert time.monotonic() - began < seconds, f"not {what} in {seconds} s: {found}"
            await asyncio.sleep(0.2)
        self.took[what] = time.monotonic() - began

    def lacking(self) -> list[str]:
        """Who has fewer messages than were acknowledged to anybody."""
        answers = Counter(person for desk in self.desks for person, _, _ in desk.answered)
        said = {writer.uuid: len(writer.acknowledged) for writer in self.writers}
        tabs = [(f"tab {one.number}", len(one.heard), answers[one.uuid]) for one in self.writers]
        pages = [
            (f"page {number}", len(desk.shown), answers[desk.opened] + said[desk.opened])
            for number, desk in enumerate(self.desks)
        ]
        return [f"{name} has {held} of {all_}" for name, held, all_ in [*tabs, *pages] if held < all_]

    async def truth_of_presence(self, leaving: list[Writer]) -> None:
        """Waits until every page tells who is here, after `leaving` went."""
        gone = {writer.uuid for writer in leaving}
        truth = {w.uuid: "offline" if w.uuid in gone else "online" for w in self.writers}

        def lying() -> list[str]:
            return [
                f"page {number} says {desk.dots.get(user)} of tab {tab}, who is {dot}"
                for number, desk in enumerate(self.desks)
                for tab, (user, dot) in enumerate(truth.items())
                if desk.dots.get(user) != dot
            ]

        await self.until_none("true", lying, TRUTH_SECONDS)
        self.online_page = (await asyncio.to_thread(self.desks[0].browser.get, "/users/?online=yes"))[1]


@contextlib.asynccontextmanager
async def everyone(chaos: Chaos) -> AsyncIterator[None]:
    """Visitors are connected and known, each member of staff has another one's profile open."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(chaos.proxy)
        for writer in chaos.writers:
            await stack.enter_async_context(writer.visitor)
        for writer in chaos.writers:
            await writer.visitor.ready()
        people = [writer.uuid for writer in chaos.writers]
        for number, desk in enumerate(chaos.desks):
            desk.look_at(people, people[number])
        pages = [asyncio.create_task(desk.run()) for desk in chaos.desks]
        try:
            yield
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)


async def run(chaos: Chaos) -> None:
    async with everyone(chaos):
        await chaos.play()
        leaving = chaos.writers[::2]
        await asyncio.gather(*(writer.visitor.__aexit__(None, None, None) for writer in leaving))
        await chaos.truth_of_presence(leaving)


def prove(chaos: Chaos) -> None:
    """Compares what everyone holds with the database."""
    people = {str(pk): row for row, pk in ChatUser.objects.values_list("pk", "uuid")}
    stored = list(
        Message.objects.order_by("pk").values_list("pk", "chat_user", "sender", "client_id", "body")
    )
    in_database = Counter((owner, str(key), body) for _, owner, _, key, body in stored)
    acknowledged = Counter(
        (people[writer.uuid], key, body) for writer in chaos.writers for key, _, body in writer.acknowledged
    )
    acknowledged += Counter(
        (people[user], key, body) for desk in chaos.desks for user, key, body in desk.answered
    )
    assert in_database == acknowledged

    for writer in chaos.writers:
        own = [(pk, sender) for pk, owner, sender, _, _ in stored if owner == people[writer.uuid]]
        assert [pk for _, pk, _ in writer.acknowledged] == [pk for pk, s in own if s == Sender.VISITOR]
        assert writer.heard == [pk for pk, sender in own if sender == Sender.STAFF]
    for desk in chaos.desks:
        assert desk.shown == [pk for pk, owner, *_ in stored if owner == people[desk.opened]]
    assert list(wrong()) == []
    assert len(people) == VISITORS
    # No gap of half an hour, so nobody's visit became two.
    assert set(ChatUser.objects.values_list("visit_count", flat=True)) == {1}
    here = {writer.uuid for writer in chaos.writers[1::2]}
    assert set(re.findall(r'<tr[^>]*data-user="([0-9a-f-]+)"', chaos.online_page)) == here


def test_what_was_acknowledged_is_there_once_and_in_order_whatever_happens(
    three: Cluster, widget: Widget
) -> None:
    rng = random.Random(SEED)
    proxy = Proxy(three.ports)
    accounts = [
        make_account(f"staff{number}@team.example", Role.SUPPORT, name=f"Staff {number}")
        for number in range(STAFF)
    ]
    desks = [Desk(StaffBrowser(proxy, account), proxy.url, rng) for account in accounts]
    writers = [Writer(Place(proxy.url, widget.key), rng, number) for number in range(VISITORS)]
    chaos = Chaos(three, proxy, writers, desks, rng)
    print(f"CHAOS_SEED={SEED}")
    asyncio.run(run(chaos))
    print(f"{Message.objects.count()} messages; {dict(chaos.happened)}; seconds until {chaos.took}")
    prove(chaos)
    assert [status for desk in desks for status in desk.errors] == []
    assert min(chaos.happened.values()) > 0
