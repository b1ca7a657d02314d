"""Rate limits: a burst at once, then a steady rate, the same in this process as in Redis."""

from __future__ import annotations

import secrets
import threading
import time
from types import SimpleNamespace
from typing import cast

import pytest
from pytest_django.fixtures import Settings

from chatadmin.lib import limits as module
from chatadmin.lib import redis_store
from chatadmin.lib.limits import Bucket, Limits, LocalLimits, Quota, Rate, RedisLimits, limits
from tests.lib.stores import STORES, nobody_listens

# So slow that nothing comes back while a test runs.
THREE = Rate(burst=3, per_second=0.0001)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Limits:
    return LocalLimits() if request.param == "local" else RedisLimits()


@pytest.fixture
def key() -> str:
    return f"test:{secrets.token_hex(8)}"


def test_a_bucket_gives_its_burst_and_then_its_rate():
    bucket = Bucket(Rate(burst=3, per_second=2), now=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(100.4)
    assert bucket.take(100.5)
    assert not bucket.take(100.6)


def test_a_bucket_holds_no_more_than_its_burst():
    bucket = Bucket(Rate(burst=2, per_second=1), now=0.0)
    assert [bucket.take(1_000.0) for _ in range(3)] == [True, True, False]


def test_a_refused_take_costs_nothing():
    bucket = Bucket(Rate(burst=1, per_second=1), now=0.0)
    assert bucket.take(0.0)
    assert not any(bucket.take(0.9) for _ in range(20))
    assert bucket.take(1.0)


def test_a_clock_that_goes_back_takes_nothing_away():
    bucket = Bucket(Rate(burst=5, per_second=1), now=100.0)
    assert [bucket.take(now) for now in (100.0, 40.0, 40.0, 40.0, 40.0, 40.0)] == [True] * 5 + [False]


def test_the_bench_lifts_ceilings_ten_thousandfold(settings: Settings):
    settings.LIMITS_FACTOR = 10_000
    assert Rate(3, 2).scaled() == Rate(30_000, 20_000)
    assert Bucket(Rate(3, 2)).level == 30_000


def test_each_key_has_a_bucket_of_its_own(store: Limits, key: str):
    assert [store.take(key, THREE) for _ in range(4)] == [True, True, True, False]
    assert store.take(f"{key}:other", THREE)
    assert not store.take(key, THREE)


def test_many_takes_are_one_after_the_other(store: Limits, key: str):
    one, other = f"{key}:1", f"{key}:2"
    asked = [(one, THREE), (other, Rate(1, 0.0001)), (one, THREE), (other, THREE), (one, THREE), (one, THREE)]
    assert store.take_many(asked) == [True, True, True, False, True, False]
    assert store.take_many([]) == []
    assert not store.take(one, THREE)


def test_threads_share_a_bucket(store: Limits, key: str):
    taken: list[bool] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        taken.extend(store.take(key, THREE) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 40
    assert sum(taken) == 3


def test_the_longest_unused_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "KEEP_KEYS", 2)
    store = LocalLimits()
    once = Rate(burst=1, per_second=0.0001)
    assert [store.take(key, once) for key in ("a", "b", "a", "c")] == [True, True, False, True]
    assert list(store.buckets) == ["a", "c"]
    assert not store.take("a", once)
    assert store.take("b", once)
    few = Quota(most=1, seconds=600)
    assert [store.count(key, few) for key in ("a", "b", "a", "c")] == [True, True, False, True]
    assert list(store.counts) == ["a", "c"]


def test_what_counts_no_more_is_forgotten():
    store, now = LocalLimits(), time.monotonic()
    store.count("an hour", Quota(most=1, seconds=3_600), now)
    store.count("soon over", Quota(most=1, seconds=90), now)
    store.take("slow", Rate(burst=2, per_second=0.001), now)
    store.take("quick", Rate(burst=2, per_second=1), now)
    assert not store.count("soon over", Quota(most=1, seconds=90), now + 61)
    assert list(store.counts) == ["an hour", "soon over"] and list(store.buckets) == ["slow"]
    assert not store.count("an hour", Quota(most=1, seconds=3_600), now + 122)
    assert list(store.counts) == ["an hour"]
    assert store.take("slow", Rate(burst=2, per_second=0.001), now + 500)
    assert store.buckets["slow"].level == pytest.approx(0.5), "one that isn't full goes on from where it was"


def test_a_quota_ends_with_its_seconds():
    store, quota = LocalLimits(), Quota(most=2, seconds=600)
    assert [store.count("a", quota, now) for now in (0, 1, 2, 599.9)] == [True, True, False, False]
    assert [store.count("a", quota, now) for now in (600, 601, 602)] == [True, True, False]


def test_each_key_has_a_quota_of_its_own(store: Limits, key: str):
    quota = Quota(most=3, seconds=600)
    assert [store.count(key, quota) for _ in range(5)] == [True, True, True, False, False]
    assert store.count(f"{key}:other", quota)
    assert store.take(key, THREE)


def test_what_is_given_back_may_be_counted_again(store: Limits, key: str):
    quota = Quota(most=2, seconds=600)
    store.uncount(key)
    assert [store.count(key, quota) for _ in range(3)] == [True, True, False]
    store.uncount(key)
    assert not store.count(key, quota)
    for _ in range(2):
        store.uncount(key)
    assert [store.count(key, quota) for _ in range(2)] == [True, False]
    for _ in range(9):
        store.uncount(key)
    assert [store.count(key, quota) for _ in range(3)] == [True, True, False]


def test_the_bench_lifts_quotas(store: Limits, key: str, settings: Settings):
    settings.LIMITS_FACTOR = 10_000
    assert all(store.count(key, Quota(most=1, seconds=600)) for _ in range(50))


if redis_store.configured():  # one half of the suite has a Redis

    def test_redis_refills_by_its_own_clock_and_forgets_full_buckets(key: str):
        store, client = RedisLimits(), redis_store.client()
        rate = Rate(burst=2, per_second=1)
        assert [store.take(key, rate) for _ in range(2)] == [True, True]
        name = redis_store.key("limit", key)
        assert 0 < cast("int", client.ttl(name)) <= 3
        stamp = float(cast("str", client.hget(name, "stamp")))
        client.hset(name, mapping={"level": "0", "stamp": f"{stamp - 1.5:.6f}"})
        assert store.take(key, rate)
        client.hset(name, mapping={"level": "1", "stamp": f"{stamp + 1_000:.6f}"})
        assert store.take(key, rate)

    def test_redis_forgets_a_quota_with_its_seconds(key: str):
        store, client = RedisLimits(), redis_store.client()
        name = redis_store.key("quota", key)
        assert [store.count(key, Quota(1, 600)) for _ in range(2)] == [True, False]
        assert 590 < cast("int", client.ttl(name)) <= 600
        store.uncount(key)
        assert 590 < cast("int", client.ttl(name)) <= 600
        client.delete(name)
        store.uncount(key)
        assert client.get(name) is None


def test_while_redis_is_away_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch, key: str):
    monkeypatch.setattr(redis_store, "client", nobody_listens)
    store = RedisLimits()
    assert [store.take(key, THREE) for _ in range(2)] == [True, True]
    assert store.take_many([(key, THREE), (key, THREE)]) == [True, False]
    assert [store.count(key, Quota(1, 600)) for _ in range(2)] == [True, False]
    for _ in range(2):
        store.uncount(key)
    assert store.count(key, Quota(1, 600))


def test_the_store_is_where_the_installation_keeps_it(monkeypatch: pytest.MonkeyPatch):
    assert isinstance(limits(), RedisLimits if "redis" in STORES else LocalLimits)
    monkeypatch.setattr(module, "redis_store", SimpleNamespace(configured=lambda: False))
    assert isinstance(limits.__wrapped__(), LocalLimits)
