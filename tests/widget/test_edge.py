"""The public edge: which pages may embed a widget, how many sockets an address holds, what a flood is."""

from __future__ import annotations

import secrets

import pytest
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from chatadmin.lib.address import counted_as
from chatadmin.lib.leases import LocalLeases, RedisLeases
from staff.models import Widget
from tests.lib.stores import STORES, nobody_listens
from widget import edge
from widget.edge import Flood, ceiling, hold, may_embed, places_of, release

SITE = Widget(allowed_origins=["https://shop.example", "http://Localhost:3000/"])
OWN = Widget(allowed_origins=["self"])


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("HTTPS://Shop.Example", True),
        ("http://localhost:3000", True),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://www.shop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://evil.example/https://shop.example", False),
        ("https://shop.example@evil.example", False),
        ("null", False),
        ("", False),
        ("https://chat.example", False),
    ],
)
def test_origins_are_named_one_by_one(origin: str, allowed: bool):
    assert may_embed(SITE, origin, "chat.example") is allowed


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://chat.example", "chat.example", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://Chat.Example", "chat.example", True),
        ("https://chat.example", "chat.example:8000", False),
        ("https://evil.example", "chat.example", False),
        ("https://chat.example", "", False),
        ("", "", False),
        ("null", "null", False),
        ("self", "chat.example", False),
        ("self", "", False),
        ("http://", "", False),
        ("http://[", "chat.example", False),
        ("http://[::1", "chat.example", False),
        ("ftp://chat.example", "chat.example", False),
        ("//chat.example", "chat.example", False),
    ],
)
def test_our_own_pages(origin: str, host: str, allowed: bool):
    assert may_embed(OWN, origin, host) is allowed


def test_nobody_is_named():
    assert not may_embed(Widget(allowed_origins=[]), "https://shop.example", "shop.example")


def test_origins_of_the_whole_installation(settings: Settings):
    assert not may_embed(SITE, "https://also.example", "chat.example")
    settings.WIDGET_ORIGINS = ["https://also.example"]
    assert may_embed(SITE, "https://also.example", "chat.example")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (
        LocalLeases(edge.ADDRESS_TERMS)
        if request.param == "local"
        else RedisLeases(f"addresses-{secrets.token_hex(8)}", edge.ADDRESS_TERMS)
    )
    monkeypatch.setattr(edge, "leases", lambda name, terms: made)


def place(address: str, socket: str) -> int:
    return places_of([(address, socket)])[0]


@pytest.mark.usefixtures("store")
def test_an_addresss_sockets_are_counted():
    assert [place("192.0.2.1", name) for name in "ab"] == [1, 2]
    hold("192.0.2.1", "a")
    assert place("192.0.2.1", "c") == 3
    assert place("192.0.2.2", "d") == 1
    assert places_of([("192.0.2.1", "e"), ("192.0.2.2", "f"), ("192.0.2.1", "g")]) == [4, 2, 5]
    for name in "eg":
        release("192.0.2.1", name)
    release("192.0.2.1", "b")
    release("192.0.2.1", "b")
    assert place("192.0.2.1", "a") == 2
    for name in ("a", "c"):
        release("192.0.2.1", name)
    assert place("192.0.2.1", "e") == 1


def test_with_redis_away_sockets_open_and_close(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatadmin.lib.redis_store.client", nobody_listens)
    away = RedisLeases("addresses", edge.ADDRESS_TERMS)
    monkeypatch.setattr(edge, "leases", lambda name, terms: away)
    with capture_logs() as logs:
        assert place("192.0.2.1", "a") == 1
        release("192.0.2.1", "a")
    assert [line["event"] for line in logs] == ["edge.unreachable"] * 2
    assert "192.0.2.1" not in str(logs)


def test_ceilings_are_lifted_for_the_bench(settings: Settings):
    assert ceiling(500) == 500
    settings.LIMITS_FACTOR = 10_000
    assert ceiling(500) == 5_000_000


@pytest.fixture(autouse=True)
def nobody_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "_refused", {})
    monkeypatch.setattr(edge, "shared", lambda: None)


def test_50_refused_frames_in_10_seconds_are_a_flood():
    flood = Flood("192.0.2.1")
    assert [flood.refused(100 + number * 0.1) for number in range(50)] == [False] * 49 + [True]


def test_fewer_are_none_however_long_they_go_on():
    flood = Flood("192.0.2.1")
    assert not any(flood.refused(100 + number * 10 / 48) for number in range(1_000))


def test_many_places_of_one_address_flood_together():
    floods = [Flood("192.0.2.1") for _ in range(20)]
    refused = [floods[number % 20].refused(100.0) for number in range(501)]
    assert refused == [False] * 500 + [True]
    assert not Flood("192.0.2.2").refused(100.0)
    assert not Flood("192.0.2.1").refused(101.0)


def test_addresses_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edge, "KEEP_ADDRESSES", 3)
    for number in range(10):
        Flood(f"192.0.2.{number}").refused(100.0)
    assert list(edge._refused) == [counted_as(f"192.0.2.{number}") for number in (7, 8, 9)]


def test_the_bench_floods_later(settings: Settings):
    settings.LIMITS_FACTOR = 10_000
    flood = Flood("192.0.2.1")
    assert not any(flood.refused(100.0) for _ in range(2_000))
