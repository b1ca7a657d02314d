"""Who is here now. Presence is a lease, not a fact: any frame renews it, and whoever falls silent fades by itself.

A person is a group of leases, one for each socket. Beats are gathered and written together; coming and going are
written at once. The database hears of a person at most once a minute, from all processes together.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog

from chatadmin.lib import bus, redis_store
from chatadmin.lib.leases import Lapsed, Leases, Terms, leases, places
from chatadmin.lib.threads import hop
from users import visits
from users.models import ChatUser

log = structlog.get_logger("chatadmin.presence")

LEASE_SECONDS = 50
# Closing the last tab turns the dot gray after grace + reaping at the latest; a page change stays within the grace.
GRACE_SECONDS = 6
REAP_SECONDS = 5
GATHER_SECONDS = 0.5
DATABASE_SECONDS = 60
TERMS = Terms(LEASE_SECONDS, GRACE_SECONDS)


def store() -> Leases:
    """The leases of all chat users, by uuid."""
    return leases("presence", TERMS)


def online(people: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of `people` who are here. Nobody, where the store can't be reached."""
    by_name = {str(person): person for person in people}
    try:
        return {by_name[name] for name in store().alive(by_name)}
    except redis_store.UNREACHABLE as error:
        log.warning("presence.unreachable", error=type(error).__name__)
        return set()


def all_online() -> set[uuid.UUID]:
    """Everyone who is here. Nobody, where the store can't be reached."""
    try:
        return {uuid.UUID(name) for name in store().all_alive()}
    except redis_store.UNREACHABLE as error:
        log.warning("presence.unreachable", error=type(error).__name__)
        return set()


def online_count() -> int:
    """How many people are here. None, where the store can't be reached."""
    try:
        return store().count()
    except redis_store.UNREACHABLE as error:
        log.warning("presence.unreachable", error=type(error).__name__)
        return 0


def arrive(person: uuid.UUID, socket: str) -> int:
    """`arrive_all` for one."""
    return arrive_all([(person, socket)])[0]


def arrive_all(arrivals: Sequence[tuple[uuid.UUID, str]]) -> list[int]:
    """These sockets of these people opened, and the database has heard of it: takes their leases, announces those who
    were away. Returns for each how many sockets its person has with it; 1 where the store can't be reached."""
    pairs = [(str(person), socket) for person, socket in arrivals]
    _beats.tell({person for person, _ in pairs}, time.time())
    try:
        answers = store().touch(pairs)
    except redis_store.UNREACHABLE as error:  # the next beats say it again
        log.warning("presence.unreachable", error=type(error).__name__)
        return [1] * len(pairs)
    came = [person for person, (was_away, _) in answers.items() if was_away]
    if came:
        bus.announce(*(bus.Event("presence.changed", person, {"online": True}) for person in came))
    return places(pairs, answers)


def leave(person: uuid.UUID, socket: str) -> None:
    """A socket of `person` closed; the person goes after the grace, unless another socket is there."""
    # A beat that still waits to be written would bring the socket back for a whole lease.
    _beats.withdraw(str(person), socket)
    try:
        store().drop(str(person), socket)
    except redis_store.UNREACHABLE as error:  # the lease lapses by itself
        log.warning("presence.unreachable", error=type(error).__name__)


def discard(person: uuid.UUID) -> None:
    """Forgets a person at once, as an erasure needs it."""
    discard_all([person])


def discard_all(people: Iterable[uuid.UUID]) -> None:
    """The same for many."""
    names = [str(person) for person in people]
    _beats.forget(names)
    store().discard(*names)


def beat(person: uuid.UUID, socket: str) -> None:
    """A sign of life, written with the next gathering. Never blocks."""
    _beats.add(str(person), socket)


class _Beats:
    """Signs of life since the last gathering, and when the database last heard of each person."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: set[tuple[str, str]] = set()
        self.told: dict[str, float] = {}
        self.swept = 0.0

    def add(self, person: str, socket: str) -> None:
        with self.lock:
            self.pending.add((person, socket))

    def forget(self, people: Collection[str]) -> None:
        gone = set(people)
        with self.lock:
            self.pending = {pair for pair in self.pending if pair[0] not in gone}
            for person in gone:
                self.told.pop(person, None)

    def withdraw(self, person: str, socket: str) -> None:
        with self.lock:
            self.pending.discard((person, socket))

    def drain(self) -> list[tuple[str, str]]:
        with self.lock:
            drained, self.pending = list(self.pending), set()
            return drained

    def due(self, people: Iterable[str], now: float) -> list[str]:
        with self.lock:
            return [person for person in people if not self._told_lately(person, now)]

    def tell(self, people: Iterable[str], now: float) -> None:
        """Notes that the database has heard of `people`; forgets what no longer matters, once a minute."""
        with self.lock:
            self.told.update(dict.fromkeys(people, now))
            if not 0 <= now - self.swept < DATABASE_SECONDS:
                self.swept = now
                self.told = {person: at for person, at in self.told.items() if self._told_lately(person, now)}

    def _told_lately(self, person: str, now: float) -> bool:
        # A clock that was put back must not silence anybody.
        return person in self.told and 0 <= now - self.told[person] < DATABASE_SECONDS


_beats = _Beats()


def gather(now: float | None = None) -> None:
    """Writes the gathered signs of life: the leases all at once, the database for those it hasn't heard of lately."""
    pairs = _beats.drain()
    if not pairs:
        return
    now = time.time() if now is None else now
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    answers = store().touch(pairs, now)
    back = [person for person, (was_away, _) in answers.items() if was_away]
    if back:
        _welcome_back(back, at)
    # In all processes together once a minute: who has a tab at each would otherwise cost a write for each.
    due = store().claim(_beats.due(answers, now), DATABASE_SECONDS, now)
    for start in range(0, len(due), visits.CHUNK):
        chunk = due[start : start + visits.CHUNK]
        try:
            visits.seen([uuid.UUID(person) for person in chunk], at)
        except Exception:
            store().unclaim(due[start:])
            raise
        _beats.tell(chunk, now)


def _welcome_back(names: list[str], at: dt.datetime) -> None:
    """Their leases were lost while they were here, or they were erased and a last beat was on its way."""
    living = {
        str(person)
        for person in ChatUser.objects.filter(uuid__in=names, erased_at=None).values_list("uuid", flat=True)
    }
    for name in set(names) - living:
        store().discard(name)
    people = [uuid.UUID(name) for name in living]
    for chunk in (people[start : start + visits.CHUNK] for start in range(0, len(people), visits.CHUNK)):
        visits.resume(chunk, at)
    for name in names:
        if name in living:
            bus.announce(bus.Event("presence.changed", name, {"online": True}))


def reap(now: float | None = None) -> list[Lapsed]:
    """Takes out those whose lease is over: ends their visits and announces them gone. Returns them.

    Nobody else is told of them again: so what fails for some is logged, and `visits.end_stale` ends their visits.
    """
    lapsed = store().reap(now)
    for chunk in (lapsed[at : at + visits.CHUNK] for at in range(0, len(lapsed), visits.CHUNK)):
        try:
            visits.end(
                {
                    uuid.UUID(gone.group): visits.Leaving(
                        dt.datetime.fromtimestamp(gone.last_sign, dt.UTC), gone.clean
                    )
                    for gone in chunk
                }
            )
        except Exception as error:
            log.error("presence.visits_failed", error=type(error).__name__)
        # With each chunk: later, somebody who is back elsewhere would be told to have gone after they came.
        for gone in chunk:
            _beats.forget(gone.group)
            bus.announce(bus.Event("presence.changed", gone.group, {"online": False}))
    return lapsed


def end_stale_visits() -> int:
    """Ends the visits that a dead process left open, and announces their people gone, for Redis may have forgotten
    them without a word. None while the store can't say who is here. Returns how many."""
    try:
        here = {uuid.UUID(name) for name in store().all_alive()}
    except redis_store.UNREACHABLE as error:
        log.warning("presence.unreachable", error=type(error).__name__)
        return 0
    gone = visits.end_stale(here)
    for person in gone:
        bus.announce(bus.Event("presence.changed", str(person), {"online": False}))
    return len(gone)


_keepers: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def keep() -> None:
    """Starts this process's keeper on the running event loop, if none runs: it gathers and reaps for as long as
    the loop lives. Daphne has no start-up hook, so the first socket calls this."""
    loop = asyncio.get_running_loop()
    for closed in [known for known in _keepers if known.is_closed()]:
        del _keepers[closed]
    if loop not in _keepers or _keepers[loop].done():
        _keepers[loop] = loop.create_task(_keep())


async def _keep() -> None:
    next_reap = time.monotonic() + REAP_SECONDS
    losses = _Losses()
    await _try(losses.look)
    while True:
        await asyncio.sleep(GATHER_SECONDS)
        await _try(gather)
        if time.monotonic() >= next_reap:
            next_reap = time.monotonic() + REAP_SECONDS
            await _try(losses.look)
            await _try(reap)


class _Losses:
    """Notices that the store lost everything: nobody is told of those whose leases went with it."""

    def __init__(self) -> None:
        self.era: str | None = None

    def look(self) -> None:
        known, self.era = self.era, store().era()
        if known not in {None, self.era}:
            log.warning("presence.lost")
            bus.missed()


async def _try(work: Callable[[], object]) -> None:
    try:
        await hop(work)()
    except asyncio.CancelledError:
        raise
    except Exception as error:  # a store that is down for a while must not end the keeper
        log.warning("presence.keeper_failed", error=type(error).__name__)
