"""Leases: whoever stops renewing loses them, once, the same in this process as in Redis."""

from __future__ import annotations

import secrets
import threading

import pytest

from chatadmin.lib.leases import Lapsed, Leases, LocalLeases, RedisLeases, Terms, leases
from tests.lib.stores import STORES

TERMS = Terms(lease_seconds=50, grace_seconds=6)
T = 1_790_000_000.0


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Leases:
    if request.param == "local":
        return LocalLeases(TERMS)
    return RedisLeases(f"leases-{secrets.token_hex(8)}", TERMS)


def test_the_first_touch_says_that_the_group_was_absent(store: Leases):
    assert store.touch([("ann", "a1")], T) == {"ann": (True, 1)}
    assert store.touch([("ann", "a1")], T + 10) == {"ann": (False, 1)}


def test_nothing_to_touch(store: Leases):
    assert store.touch([], T) == {}
    assert store.reap(T + 1_000) == []
    assert store.alive([]) == set()


def test_many_members_are_one_group(store: Leases):
    assert store.touch([("ann", "a1"), ("ann", "a2"), ("bob", "b1")], T) == {
        "ann": (True, 2),
        "bob": (True, 1),
    }
    assert store.touch([("ann", "a3")], T + 1) == {"ann": (False, 3)}
    assert store.all_alive() == {"ann", "bob"}
    assert store.alive(["ann", "cleo"]) == {"ann"}
    assert {gone.group for gone in store.reap(T + 60)} == {"ann", "bob"}


def test_the_same_member_twice_counts_once(store: Leases):
    assert store.touch([("ann", "a1"), ("ann", "a1")], T) == {"ann": (True, 1)}


def test_a_lease_runs_for_its_seconds_and_not_longer(store: Leases):
    store.touch([("ann", "a1")], T)
    assert store.reap(T + 49.9) == []
    assert store.alive(["ann"]) == {"ann"}
    assert store.reap(T + 50) == [Lapsed("ann", T, clean=False)]
    assert store.alive(["ann"]) == set()
    assert store.all_alive() == set()


def test_a_renewed_lease_lapses_at_its_last_sign_of_life(store: Leases):
    store.touch([("ann", "a1")], T)
    store.touch([("ann", "a1")], T + 30.25)
    assert store.reap(T + 80) == []
    assert store.reap(T + 80.25) == [Lapsed("ann", T + 30.25, clean=False)]


def test_a_group_is_reaped_once(store: Leases):
    store.touch([("ann", "a1")], T)
    assert len(store.reap(T + 50)) == 1
    assert store.reap(T + 50) == []
    assert store.reap(T + 500) == []


def test_dropping_the_last_member_leaves_the_grace(store: Leases):
    store.touch([("ann", "a1")], T)
    store.drop("ann", "a1", T + 10)
    assert store.alive(["ann"]) == {"ann"}
    assert store.reap(T + 15.9) == []
    assert store.reap(T + 16) == [Lapsed("ann", T + 10, clean=True)]


def test_coming_back_within_the_grace_is_no_arrival(store: Leases):
    store.touch([("ann", "a1")], T)
    store.drop("ann", "a1", T + 10)
    assert store.touch([("ann", "a2")], T + 12) == {"ann": (False, 1)}
    assert store.reap(T + 20) == []
    assert store.reap(T + 62) == [Lapsed("ann", T + 12, clean=False)]


def test_dropping_one_of_two_leaves_the_other(store: Leases):
    store.touch([("ann", "a1")], T)
    store.touch([("ann", "a2")], T + 20)
    store.drop("ann", "a2", T + 21)
    assert store.reap(T + 49) == []
    assert store.reap(T + 50) == [Lapsed("ann", T, clean=False)]


def test_dropping_both_counts_from_the_second(store: Leases):
    store.touch([("ann", "a1"), ("ann", "a2")], T)
    store.drop("ann", "a1", T + 1)
    store.drop("ann", "a2", T + 2)
    assert store.reap(T + 7.9) == []
    assert store.reap(T + 8) == [Lapsed("ann", T + 2, clean=True)]


def test_dropping_what_is_not_held_changes_nothing(store: Leases):
    store.drop("ann", "a1", T)
    assert store.all_alive() == set()
    store.touch([("ann", "a1")], T)
    store.drop("ann", "other", T + 1)
    store.drop("bob", "a1", T + 1)
    assert store.reap(T + 49) == []
    assert store.reap(T + 50) == [Lapsed("ann", T, clean=False)]


def test_dropping_twice_does_not_begin_the_grace_again(store: Leases):
    store.touch([("ann", "a1")], T)
    store.drop("ann", "a1", T + 1)
    store.drop("ann", "a1", T + 5)
    assert store.reap(T + 7) == [Lapsed("ann", T + 1, clean=True)]


def test_a_member_whose_lease_is_over_holds_nothing_up(store: Leases):
    store.touch([("ann", "killed")], T)
    store.touch([("ann", "a2")], T + 49)
    store.drop("ann", "a2", T + 51)
    assert store.reap(T + 57) == [Lapsed("ann", T + 51, clean=True)]


def test_stale_members_are_not_counted(store: Leases):
    store.touch([("ann", "a1"), ("ann", "a2")], T)
    store.touch([("ann", "a2")], T + 30)
    assert store.touch([("ann", "a3")], T + 49) == {"ann": (False, 3)}
    assert store.touch([("ann", "a3")], T + 50) == {"ann": (False, 2)}
    store.drop("ann", "a1", T + 51)
    assert store.touch([("ann", "a3")], T + 51) == {"ann": (False, 2)}


def test_touching_after_the_reaping_arrives_again(store: Leases):
    store.touch([("ann", "a1"), ("ann", "a2")], T)
    store.reap(T + 50)
    assert store.touch([("ann", "a1")], T + 51) == {"ann": (True, 1)}


def test_touching_before_the_reaping_is_as_if_nothing_had_been(store: Leases):
    store.touch([("ann", "a1")], T)
    assert store.touch([("ann", "a1")], T + 55) == {"ann": (False, 1)}
    assert store.reap(T + 56) == []


def test_a_goodbye_is_forgotten_by_the_next_life(store: Leases):
    store.touch([("ann", "a1")], T)
    store.drop("ann", "a1", T + 1)
    assert store.reap(T + 7) == [Lapsed("ann", T + 1, clean=True)]
    store.touch([("ann", "a1")], T + 10)
    assert store.reap(T + 60) == [Lapsed("ann", T + 10, clean=False)]


def test_discarding_forgets_at_once(store: Leases):
    store.touch([("ann", "a1"), ("ann", "a2"), ("bob", "b1")], T)
    store.drop("ann", "a2", T + 1)
    store.discard("ann")
    store.discard("nobody")
    assert store.all_alive() == {"bob"}
    store.drop("ann", "a1", T + 2)
    assert store.reap(T + 8) == []
    assert store.touch([("ann", "a3")], T + 9) == {"ann": (True, 1)}


def test_discarding_in_the_grace_forgets_the_goodbye_too(store: Leases):
    store.touch([("ann", "a1")], T)
    store.drop("ann", "a1", T + 1)
    store.discard("ann")
    assert store.touch([("ann", "a1")], T + 2) == {"ann": (True, 1)}
    assert store.reap(T + 52) == [Lapsed("ann", T + 2, clean=False)]


def test_names_may_hold_anything(store: Leases):
    name = "2001:db8::1 %:m: ünï"
    store.touch([(name, "a:1")], T)
    store.drop(name, "a:1", T + 1)
    assert store.reap(T + 7) == [Lapsed(name, T + 1, clean=True)]


def test_two_reapers_share_the_lapsed(store: Leases):
    groups = [f"g{number}" for number in range(300)]
    store.touch([(group, "m") for group in groups], T)
    reaped: list[list[Lapsed]] = [[], []]
    start = threading.Barrier(2)

    def work(mine: list[Lapsed]) -> None:
        start.wait()
        for second in range(10):
            mine += store.reap(T + 50 + second)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in reaped]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gone.group for mine in reaped for gone in mine) == sorted(groups)


def test_threads_that_touch_and_drop_lose_nothing(store: Leases):
    start = threading.Barrier(4)
    arrivals: list[bool] = []

    def work(number: int) -> None:
        start.wait()
        for turn in range(50):
            arrivals.append(store.touch([("ann", f"m{number}-{turn}")], T)["ann"][0])
            if turn % 2:
                store.drop("ann", f"m{number}-{turn}", T)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arrivals) == 200
    assert arrivals.count(True) == 1
    assert store.touch([("ann", "last")], T) == {"ann": (False, 4 * 25 + 1)}


def test_without_a_given_time_it_is_now(store: Leases):
    store.touch([("ann", "a1")])
    assert store.reap() == []
    store.drop("ann", "a1")
    assert store.reap() == []
    assert store.alive(["ann"]) == {"ann"}


def test_two_holders_see_the_same_leases():
    name = f"leases-{secrets.token_hex(8)}"
    here = leases(name, TERMS)
    there = RedisLeases(name, TERMS) if "redis" in STORES else leases(name, TERMS)
    assert here.touch([("ann", "a1")], T) == {"ann": (True, 1)}
    assert there.touch([("ann", "b1")], T + 1) == {"ann": (False, 2)}
    here.drop("ann", "a1", T + 2)
    assert there.reap(T + 51) == [Lapsed("ann", T + 1, clean=False)]
    assert here.all_alive() == set()


def test_the_store_is_where_the_installation_keeps_it():
    store = leases(f"leases-{secrets.token_hex(8)}", TERMS)
    assert isinstance(store, RedisLeases if "redis" in STORES else LocalLeases)


def test_they_are_counted(store: Leases):
    assert store.count() == 0
    store.touch([("ann", "a1"), ("ann", "a2"), ("bob", "b1")], T)
    assert store.count() == 2
    store.discard("ann")
    assert store.count() == 1
    store.reap(T + 60)
    assert store.count() == 0


def test_one_of_many_does_what_is_due_once_in_a_while(store: Leases):
    assert sorted(store.claim(["ann", "bob"], 60, T)) == ["ann", "bob"]
    assert store.claim(["ann", "bob", "cleo"], 60, T + 59.9) == ["cleo"]
    assert store.claim(["ann"], 60, T + 60) == ["ann"]
    assert store.claim(["ann"], 60, T + 119) == []
    # A clock that was put back silences nobody.
    assert store.claim(["ann"], 60, T) == ["ann"]
    store.unclaim(["ann"])
    store.unclaim([])
    assert store.claim(["ann"], 60, T + 1) == ["ann"]
    assert store.claim([], 60, T + 1) == []


def test_what_was_claimed_is_forgotten_with_the_lease(store: Leases):
    store.touch([("ann", "a1"), ("bob", "b1")], T)
    store.claim(["ann", "bob"], 600, T)
    store.discard("bob")
    assert store.claim(["ann", "bob"], 600, T + 10) == ["bob"]
    store.reap(T + 60)
    assert store.claim(["ann"], 600, T + 60) == ["ann"]


def test_a_store_is_what_it_was_until_it_loses_everything(store: Leases):
    era = store.era()
    store.touch([("ann", "a1")], T)
    store.reap(T + 60)
    assert store.era() == era
    if isinstance(store, RedisLeases):
        assert RedisLeases(store.name, TERMS).era() == era
        store.client.delete(*store.keys)
        fresh = store.era()
        assert fresh != era
        assert RedisLeases(store.name, TERMS).era() == fresh
