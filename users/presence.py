"""Who is here now. Presence is a lease, not a fact: any frame renews it, and whoever falls silent fades by itself.

A person is a group of leases, one for each socket. Beats are gathered and written together; coming and going are
written at once. The database hears of a person at most once a minute.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterable

import structlog
from channels.db import database_sync_to_async

from chatadmin.lib import bus, redis_store
from chatadmin.lib.leases import Lapsed, Leases, Terms, leases
from users import visits

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
    """How many people are here."""
    return len(all_online())


def arrive(person: uuid.UUID, socket: str) -> int:
    """A socket of `person` opened: takes its lease, announces a person who was away. Returns their sockets."""
    was_away, sockets = store().touch([(str(person), socket)])[str(person)]
    if was_away:
        bus.announce(bus.Event("presence.changed", str(person), {"online": True}))
    return sockets


def leave(person: uuid.UUID, socket: str) -> None:
    """A socket of `person` closed; the person goes after the grace, unless another socket is there."""
    store().drop(str(person), socket)


def discard(person: uuid.UUID) -> None:
    """Forgets a person at once, as an erasure needs it."""
    _beats.forget(str(person))
    store().discard(str(person))


def beat(person: uuid.UUID, socket: str) -> None:
    """A sign of life, written with the next gathering. Never blocks."""
    _beats.add(str(person), socket)


class _Beats:
    """Signs of life since the last gathering, and when the database last heard of each person."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: set[tuple[str, str]] = set()
        self.told: dict[str, float] = {}

    def add(self, person: str, socket: str) -> None:
        with self.lock:
            self.pending.add((person, socket))

    def forget(self, person: str) -> None:
        with self.lock:
            self.pending = {pair for pair in self.pending if pair[0] != person}
            self.told.pop(person, None)

    def drain(self) -> list[tuple[str, str]]:
        with self.lock:
            drained, self.pending = list(self.pending), set()
            return drained

    def due(self, people: Iterable[str]) -> list[str]:
        now = time.monotonic()
        with self.lock:
            due = [
                person
                for person in people
                if now - self.told.get(person, -DATABASE_SECONDS) >= DATABASE_SECONDS
            ]
            for person in due:
                self.told[person] = now
            return due


_beats = _Beats()


def gather() -> None:
    """Writes the gathered signs of life: the leases all at once, the database for those it hasn't heard of lately."""
    pairs = _beats.drain()
    if not pairs:
        return
    answers = store().touch(pairs)
    for person, (was_away, _) in answers.items():
        if was_away:
            bus.announce(bus.Event("presence.changed", person, {"online": True}))
    due = _beats.due(answers)
    if due:
        visits.seen([uuid.UUID(person) for person in due])


def reap(now: float | None = None) -> list[Lapsed]:
    """Takes out those whose lease is over: ends their visits and announces them gone. Returns them."""
    lapsed = store().reap(now)
    for gone in lapsed:
        person = uuid.UUID(gone.group)
        _beats.forget(gone.group)
        visits.end(person, dt.datetime.fromtimestamp(gone.last_sign, dt.UTC), clean=gone.clean)
        bus.announce(bus.Event("presence.changed", gone.group, {"online": False}))
    return lapsed


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
    while True:
        await asyncio.sleep(GATHER_SECONDS)
        try:
            await database_sync_to_async(gather)()
            if time.monotonic() >= next_reap:
                next_reap = time.monotonic() + REAP_SECONDS
                await database_sync_to_async(reap)()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a store that is down for a while must not end the keeper
            log.warning("presence.keeper_failed", error=type(error).__name__)
