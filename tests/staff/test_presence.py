"""Which staff are at work, and that their coming and going is announced once."""

from __future__ import annotations

import secrets

import pytest
from redis.exceptions import ConnectionError as RedisAway

from chatadmin.lib.bus import Event
from chatadmin.lib.leases import Leases, LocalLeases, RedisLeases
from staff import presence
from tests.announcements import listen
from tests.lib.stores import STORES

CAME = Event("staff.moved", data={"account": 7, "here": True})
WENT = Event("staff.moved", data={"account": 7, "here": False})


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Leases:
    terms = presence.Terms(lease_seconds=50, grace_seconds=0)
    name = f"staff-{secrets.token_hex(8)}"
    made: Leases = LocalLeases(terms) if request.param == "local" else RedisLeases(name, terms)
    monkeypatch.setattr(presence, "store", lambda: made)
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


def test_the_first_page_and_the_end_of_the_last_are_announced(store: Leases, told: list[Event]) -> None:
    assert presence.anyone_here() is False
    for page in ("one", "two", "one"):
        presence.beat(7, page)
    assert told == [CAME]
    presence.leave(7, "one")
    presence.reap()
    assert presence.anyone_here() is True
    assert told == [CAME]
    presence.leave(7, "two")
    presence.reap()
    presence.reap()
    assert presence.anyone_here() is False
    assert told == [CAME, WENT]


def test_whoever_falls_silent_is_announced_by_whoever_asks(store: Leases, told: list[Event]) -> None:
    store.touch([("7", "page")], now=1.0)
    assert presence.anyone_here() is False
    assert told == [WENT]


def test_a_store_that_is_away_is_no_answer(monkeypatch: pytest.MonkeyPatch, told: list[Event]) -> None:
    def away() -> Leases:
        raise RedisAway

    monkeypatch.setattr(presence, "store", away)
    presence.beat(7, "page")
    presence.leave(7, "page")
    presence.reap()
    assert presence.anyone_here() is None
    assert told == []
