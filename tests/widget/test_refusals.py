"""An address's refused frames are counted by all processes together, ten at a time."""

from __future__ import annotations

import secrets
import time

import pytest
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from chatadmin.lib import redis_store
from chatadmin.lib.address import counted_as
from chatadmin.lib.limits import Limits, LocalLimits, Rate, RedisLimits
from tests.lib.stores import STORES, nobody_listens
from widget import edge, refusals
from widget.refusals import Refusals, shared


@pytest.fixture(params=STORES)
def processes(request: pytest.FixtureRequest) -> list[Refusals]:
    """Two processes' counts over one store."""

    def store() -> Limits:
        return RedisLimits() if request.param == "redis" else local

    local = LocalLimits()
    return [Refusals(store()), Refusals(store())]


def all_told(*processes: Refusals) -> None:
    for process in processes:
        process.thread.submit(int).result()


def test_two_processes_shut_an_address_that_floods_both(processes: list[Refusals]) -> None:
    address = secrets.token_hex(8)
    for _ in range(250):
        assert [process.count(address) for process in processes] == [False, False]
    all_told(*processes)
    assert not processes[0].count(address)
    for _ in range(300):
        processes[1].count(address)
    all_told(*processes)
    assert processes[1].count(address)
    # The other process hears of it with its own next ten.
    for _ in range(20):
        processes[0].count(address)
    all_told(*processes)
    assert processes[0].count(address)
    assert not processes[0].count(secrets.token_hex(8))


def test_it_opens_again(processes: list[Refusals], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "SHUT_SECONDS", 0.05)
    address = secrets.token_hex(8)
    for _ in range(1_000):
        processes[0].count(address)
    all_told(processes[0])
    time.sleep(0.1)
    assert not processes[0].count(address)


def test_nine_are_told_to_nobody_and_the_tenth_tells_all(processes: list[Refusals]) -> None:
    told: list[str] = []

    class Asked(LocalLimits):
        def take(self, key: str, rate: Rate, now: float | None = None) -> bool:
            told.append(key)
            return True

    process = processes[0]
    process.store = Asked()
    for _ in range(9):
        process.count("192.0.2.1")
    all_told(process)
    assert told == []
    process.count("192.0.2.1")
    all_told(process)
    assert told == ["refused:192.0.2.1"]
    for _ in range(95):
        process.count("192.0.2.1")
    all_told(process)
    assert len(told) == 10


def test_addresses_are_forgotten(processes: list[Refusals], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "KEEP_ADDRESSES", 3)
    for number in range(10):
        processes[0].count(f"192.0.2.{number}")
    assert list(processes[0].untold) == ["192.0.2.7", "192.0.2.8", "192.0.2.9"]


def test_with_redis_away_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "client", nobody_listens)
    process = Refusals(RedisLimits())
    with capture_logs() as logs:
        for _ in range(600):
            process.count("192.0.2.1")
        all_told(process)
    assert process.count("192.0.2.1")
    assert "192.0.2.1" not in str(logs) and logs


def test_a_socket_of_such_an_address_floods_with_its_next_refused_frame(
    monkeypatch: pytest.MonkeyPatch, processes: list[Refusals]
) -> None:
    monkeypatch.setattr(edge, "shared", lambda: processes[0])
    address = f"192.0.2.{secrets.randbelow(200)}-{secrets.token_hex(4)}"
    assert not edge.Flood(address).refused()
    processes[0].shut[counted_as(address)] = time.monotonic() + 60
    assert edge.Flood(address).refused()
    assert not edge.Flood("198.51.100.7").refused()


def test_one_process_alone_shares_nothing(settings: Settings) -> None:
    shared.cache_clear()
    try:
        settings.REDIS_URL = ""
        assert shared() is None
    finally:
        shared.cache_clear()
