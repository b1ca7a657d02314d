"""A Redis that hangs is waited for once: until it answers again, nobody asks it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from chatadmin.lib import redis_store
from chatadmin.lib.leases import RedisLeases, Terms
from chatadmin.lib.limits import Quota, Rate, RedisLimits
from tests.cluster import Redis
from tests.lib.stores import nobody_listens

THREE = Rate(burst=3, per_second=0.0001)


def took(began: float) -> float:
    return time.monotonic() - began


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A client of what takes connections and never answers."""
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        ear.listen(50)
        client = redis_store.client_of(f"redis://127.0.0.1:{ear.getsockname()[1]}")
        monkeypatch.setattr(redis_store, "client", lambda: client)
        yield client
        client.close()


def test_who_hangs_is_waited_for_once_however_many_ask(hanging: redis.Redis):
    began = time.monotonic()
    with capture_logs() as logs, pytest.raises(redis.TimeoutError):
        hanging.ping()
    assert 1.5 < took(began) < 3.5
    assert [line["event"] for line in logs] == ["redis.hangs"]
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(redis_store.Hangs):
            hanging.get("a")
        with pytest.raises(redis_store.UNREACHABLE):
            hanging.pipeline()
    assert took(began) < 0.5


@pytest.mark.parametrize("transaction", [True, False])
def test_a_time_out_of_several_commands_at_once_is_one_too(hanging: redis.Redis, transaction: bool):
    with capture_logs() as logs, pytest.raises(redis.TimeoutError):
        hanging.pipeline(transaction=transaction).set("a", 1).execute()
    assert [line["event"] for line in logs] == ["redis.hangs"]
    began = time.monotonic()
    with pytest.raises(redis_store.Hangs):
        hanging.get("a")
    assert took(began) < 0.5


def test_leases_that_are_discarded_are_waited_for_once(hanging: redis.Redis):
    store = RedisLeases("leases", Terms(50, 6))
    with capture_logs(), pytest.raises(redis.TimeoutError):
        store.discard("ann")
    with pytest.raises(redis_store.Hangs):
        store.discard("bob")


def test_limits_are_counted_here_meanwhile(hanging: redis.Redis):
    store = RedisLimits()
    with capture_logs():
        assert store.take("a", THREE)
        began = time.monotonic()
        assert [store.take("a", THREE) for _ in range(3)] == [True, True, False]
        assert [store.count("a", Quota(1, 600)) for _ in range(2)] == [True, False]
    assert took(began) < 0.5


def test_leases_wait_no_longer(hanging: redis.Redis):
    store = RedisLeases("leases", Terms(50, 6))
    with capture_logs(), pytest.raises(redis.TimeoutError):
        store.touch([("ann", "a1")])
    began = time.monotonic()
    for work in (store.all_alive, store.reap, lambda: store.discard("ann")):
        with pytest.raises(redis_store.UNREACHABLE):
            work()
    assert took(began) < 0.5


def test_who_refuses_is_asked_each_time():
    client = nobody_listens()
    for _ in range(3):
        with pytest.raises(redis.ConnectionError) as caught:
            client.ping()
        assert not isinstance(caught.value, redis_store.Hangs)


if redis_store.configured():  # one half of the suite has a Redis

    def test_it_is_asked_again_once_it_answers():
        server = Redis().start()
        client = redis_store.client_of(server.url)
        assert server.process is not None
        try:
            client.set("kept", "yes")
            server.process.send_signal(signal.SIGSTOP)
            with capture_logs(), pytest.raises(redis.TimeoutError):
                client.get("kept")
            with pytest.raises(redis_store.Hangs):
                client.get("kept")
            server.process.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + 8
            while time.monotonic() < deadline:
                try:
                    kept = client.get("kept")
                    break
                except redis_store.Hangs:
                    time.sleep(0.05)
            assert kept == "yes"
            # What was said to the connection that hung is nobody's answer.
            assert [client.get("kept"), client.get("other")] == ["yes", None]
        finally:
            server.process.send_signal(signal.SIGCONT)
            client.close()
            server.kill()
