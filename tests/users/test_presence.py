"""Presence: who is here, for how long they are held to be, and what the database hears of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import uuid
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from chatadmin.lib import redis_store
from chatadmin.lib.bus import Event
from chatadmin.lib.leases import Leases, LocalLeases, RedisLeases
from tests.announcements import listen
from tests.factories import make_person, make_visit
from tests.lib.stores import STORES, nobody_listens
from users import presence, visits
from users.models import ChatUser, Visit

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
NOW = T.timestamp()


def at(seconds: float) -> dt.datetime:
    return T + dt.timedelta(seconds=seconds)


@pytest.fixture(autouse=True, params=STORES)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Leases:
    """A store of its own, and no beats of other tests."""
    made: Leases = (
        LocalLeases(presence.TERMS)
        if request.param == "local"
        else RedisLeases(f"presence-{secrets.token_hex(8)}", presence.TERMS)
    )
    monkeypatch.setattr(presence, "store", lambda: made)
    monkeypatch.setattr(presence, "_beats", presence._Beats())
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Says what `time.time()` is; `clock(5)` is five seconds after T."""
    moment = NOW
    monkeypatch.setattr("time.time", lambda: moment)

    def turn(seconds: float) -> None:
        nonlocal moment
        moment = NOW + seconds

    return turn


def changes(told: list[Event]) -> list[tuple[str, bool]]:
    return [(event.chat_user, event.data["online"]) for event in told if event.name == "presence.changed"]


@pytest.fixture
def ann(db: None) -> ChatUser:
    """Here since T, in a visit."""
    person = make_person("Ann", last_active=T)
    make_visit(person, started_at=T)
    return person


def test_arriving_is_told_once_and_counted(ann: ChatUser, told: list[Event], clock: Callable[[float], None]):
    bob = make_person("Bob")
    assert presence.online([ann.uuid, bob.uuid]) == set()
    assert presence.arrive(ann.uuid, "tab 1") == 1
    assert presence.arrive(ann.uuid, "tab 2") == 2
    assert presence.online([ann.uuid, bob.uuid]) == {ann.uuid}
    assert presence.all_online() == {ann.uuid}
    assert presence.online_count() == 1
    assert changes(told) == [(str(ann.uuid), True)]


def test_a_page_change_does_not_flicker(ann: ChatUser, told: list[Event], clock: Callable[[float], None]):
    presence.arrive(ann.uuid, "tab 1")
    clock(10)
    presence.leave(ann.uuid, "tab 1")
    assert presence.reap(NOW + 15) == []
    clock(15)
    presence.arrive(ann.uuid, "tab 2")
    assert presence.reap(NOW + 20) == []
    assert changes(told) == [(str(ann.uuid), True)]
    assert presence.online([ann.uuid]) == {ann.uuid}


def test_closing_the_last_tab_turns_gray_within_15_seconds(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    presence.arrive(ann.uuid, "tab 2")
    clock(10)
    presence.leave(ann.uuid, "tab 1")
    assert presence.reap(NOW + 30) == []
    clock(30)
    presence.leave(ann.uuid, "tab 2")
    slowest = presence.GRACE_SECONDS + presence.REAP_SECONDS + presence.GATHER_SECONDS
    assert slowest < 15
    assert len(presence.reap(NOW + 30 + slowest)) == 1
    assert changes(told) == [(str(ann.uuid), True), (str(ann.uuid), False)]
    assert presence.online([ann.uuid]) == set()


def test_leaving_ends_the_visit_when_they_left(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    clock(42)
    presence.leave(ann.uuid, "tab 1")
    presence.reap(NOW + 48)
    visit = ann.visits.get()
    assert (visit.ended_at, visit.last_seen_at, visit.how_ended) == (at(42), at(42), "left")
    ann.refresh_from_db()
    assert ann.last_active == at(42)


def test_falling_silent_ends_the_visit_at_the_last_sign_of_life(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    presence.beat(ann.uuid, "tab 1")
    presence.gather(NOW + 20)
    assert presence.reap(NOW + 69) == []
    assert len(presence.reap(NOW + 70)) == 1
    visit = ann.visits.get()
    assert (visit.ended_at, visit.how_ended) == (at(20), "estimated")
    ann.refresh_from_db()
    assert ann.last_active == at(20)
    assert changes(told) == [(str(ann.uuid), True), (str(ann.uuid), False)]
    assert presence.LEASE_SECONDS + presence.REAP_SECONDS <= 60


def test_each_is_reaped_once(ann: ChatUser, told: list[Event], clock: Callable[[float], None]):
    presence.arrive(ann.uuid, "tab 1")
    assert len(presence.reap(NOW + 50)) == 1
    assert presence.reap(NOW + 50) == []
    assert changes(told) == [(str(ann.uuid), True), (str(ann.uuid), False)]


def test_many_who_go_at_once_cost_few_queries(db: None, told: list[Event], clock: Callable[[float], None]):
    everyone = [make_person(f"Person {number}", last_active=T) for number in range(visits.CHUNK + 20)]
    for person in everyone:
        make_visit(person, started_at=T)
        presence.arrive(person.uuid, "tab")
    presence.store().drop(str(everyone[0].uuid), "tab", NOW + 44)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        lapsed = presence.reap(NOW + 50)
    assert len(lapsed) == len(everyone)
    assert len(queries) < 25
    assert Visit.objects.filter(ended_at=None).count() == 0
    assert Visit.objects.filter(how_ended="left").count() == 1
    assert everyone[0].visits.get().ended_at == at(44)
    assert everyone[-1].visits.get().ended_at == T
    assert len([online for _, online in changes(told) if not online]) == len(everyone)


def test_a_database_that_fails_leaves_nobody_green(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise ValueError("ann@example.com")

    presence.arrive(ann.uuid, "tab 1")
    monkeypatch.setattr(visits, "end", fail)
    with capture_logs() as logs:
        assert len(presence.reap(NOW + 50)) == 1
    assert changes(told)[-1] == (str(ann.uuid), False)
    assert [(line["event"], line["error"]) for line in logs] == [("presence.visits_failed", "ValueError")]


def test_beats_are_gathered_into_one_write(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None], store: Leases
):
    calls: list[list[tuple[str, str]]] = []
    touch = store.touch
    store.touch = lambda pairs, now=None: calls.append(sorted(pairs)) or touch(calls[-1], now)  # type: ignore[method-assign, func-returns-value]
    for _ in range(100):
        presence.beat(ann.uuid, "tab 1")
        presence.beat(ann.uuid, "tab 2")
    assert calls == []
    presence.gather(NOW + 1)
    assert calls == [[(str(ann.uuid), "tab 1"), (str(ann.uuid), "tab 2")]]
    presence.gather(NOW + 2)
    assert len(calls) == 1


def seen_at(person: ChatUser) -> tuple[dt.datetime | None, dt.datetime]:
    person.refresh_from_db()
    return person.last_active, person.visits.get().last_seen_at


def test_the_database_hears_at_most_once_a_minute(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    heard = []
    for second in range(0, 200, 5):
        presence.beat(ann.uuid, "tab 1")
        with CaptureQueriesContext(connection) as queries:
            presence.gather(NOW + second)
        if len(queries):
            heard.append(second)
            assert seen_at(ann) == (at(second), at(second))
    assert heard == [60, 120, 180]


def test_two_processes_tell_the_database_once_a_minute_together(
    ann: ChatUser,
    told: list[Event],
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
):
    heard = []
    processes = [presence._Beats(), presence._Beats()]
    for second in range(0, 200, 5):
        for process in processes:
            monkeypatch.setattr(presence, "_beats", process)
            presence.beat(ann.uuid, "tab 1")
            with CaptureQueriesContext(connection) as queries:
                presence.gather(NOW + second)
            if any("UPDATE" in query["sql"] for query in queries):
                heard.append(second)
    assert heard == [0, 60, 120, 180]


def test_what_it_could_not_be_told_it_is_told_next(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
):
    def away(*_: object) -> None:
        raise OperationalError

    presence.arrive(ann.uuid, "tab 1")
    presence.beat(ann.uuid, "tab 1")
    with monkeypatch.context() as broken:
        broken.setattr(visits, "seen", away)
        with pytest.raises(OperationalError):
            presence.gather(NOW + 61)
    presence.beat(ann.uuid, "tab 1")
    presence.gather(NOW + 66)
    assert seen_at(ann) == (at(66), at(66))


def test_a_clock_put_back_silences_nobody(ann: ChatUser, told: list[Event], clock: Callable[[float], None]):
    clock(3_600)
    presence.arrive(ann.uuid, "tab 1")
    presence.beat(ann.uuid, "tab 1")
    presence.gather(NOW + 30)
    assert seen_at(ann) == (at(30), at(30))


def test_what_the_database_was_told_is_not_kept_for_ever(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    for number in range(50):
        clock(number)
        presence.arrive(uuid.uuid4(), "tab")
    assert len(presence._beats.told) == 50
    clock(200)
    presence.arrive(ann.uuid, "tab")
    assert set(presence._beats.told) == {str(ann.uuid)}


def test_whose_lease_was_lost_while_here_is_back_in_the_same_visit(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None], store: Leases
):
    presence.arrive(ann.uuid, "tab 1")
    presence.reap(NOW + 50)
    assert ann.visits.get().ended_at is not None
    presence.beat(ann.uuid, "tab 1")
    presence.gather(NOW + 70)
    visit = ann.visits.get()
    assert (visit.ended_at, visit.how_ended, visit.last_seen_at) == (None, "", at(70))
    assert changes(told) == [(str(ann.uuid), True), (str(ann.uuid), False), (str(ann.uuid), True)]


def test_the_erased_do_not_come_back_by_a_late_beat(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    presence.beat(ann.uuid, "tab 1")
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=T)
    presence.discard(ann.uuid)
    assert presence.all_online() == set()
    told.clear()
    presence.gather(NOW + 1)
    assert presence.all_online() == set()
    # One that was on its way in another process, and so could not be forgotten here.
    presence.beat(ann.uuid, "tab 1")
    presence.gather(NOW + 2)
    assert presence.all_online() == set()
    assert told == []
    assert ann.visits.get().last_seen_at == T


def test_who_is_erased_while_here_is_reaped_without_harm(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    bob = make_person("Bob", last_active=T)
    make_visit(bob, started_at=T)
    presence.arrive(ann.uuid, "tab 1")
    presence.arrive(bob.uuid, "tab 1")
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=T, last_active=None)
    assert len(presence.reap(NOW + 50)) == 2
    assert bob.visits.get().ended_at is not None
    ann.refresh_from_db()
    assert ann.last_active is None


def test_who_never_was_is_reaped_without_harm(db: None, told: list[Event], clock: Callable[[float], None]):
    presence.arrive(uuid.uuid4(), "tab 1")
    assert len(presence.reap(NOW + 50)) == 1


def test_coming_back_as_one_is_reaped_keeps_the_visit_open(
    ann: ChatUser, told: list[Event], clock: Callable[[float], None]
):
    presence.arrive(ann.uuid, "tab 1")
    clock(10)
    presence.leave(ann.uuid, "tab 1")
    # Their next hello has begun: the visit goes on in the database, the lease is not yet taken.
    visits.begin(ann, visits.Arrival(), at(17))
    presence.reap(NOW + 17)
    visit = ann.visits.get()
    assert (visit.ended_at, visit.last_seen_at) == (None, at(17))


@pytest.fixture
def redis_is_away(monkeypatch: pytest.MonkeyPatch) -> RedisLeases:
    monkeypatch.setattr(redis_store, "client", nobody_listens)
    away = RedisLeases("presence-away", presence.TERMS)
    monkeypatch.setattr(presence, "store", lambda: away)
    return away


def test_with_redis_away_nobody_is_online_and_visitors_come_and_go(
    ann: ChatUser, told: list[Event], redis_is_away: RedisLeases
):
    with capture_logs() as logs:
        assert presence.online([ann.uuid]) == set()
        assert presence.all_online() == set()
        assert presence.online_count() == 0
        assert presence.arrive(ann.uuid, "tab 1") == 1
        presence.leave(ann.uuid, "tab 1")
    assert {line["event"] for line in logs} == {"presence.unreachable"}
    assert told == []


def test_with_redis_away_no_visit_is_held_to_be_over(ann: ChatUser, redis_is_away: RedisLeases):
    Visit.objects.update(last_seen_at=T, started_at=T)
    assert presence.end_stale_visits() == 0
    assert ann.visits.get().ended_at is None


def test_visits_that_a_dead_process_left_open_are_ended(ann: ChatUser, told: list[Event]):
    bob = make_person("Bob")
    make_visit(bob, started_at=T)
    presence.arrive(bob.uuid, "tab 1")
    told.clear()
    assert presence.end_stale_visits() == 1
    visit = ann.visits.get()
    assert (visit.ended_at, visit.how_ended) == (T, "estimated")
    assert bob.visits.get().ended_at is None
    # Where Redis forgot her nobody was reaped: pages that still show her here hear of it now.
    assert changes(told) == [(str(ann.uuid), False)]
    told.clear()
    assert presence.end_stale_visits() == 0
    assert told == []


def test_a_store_that_lost_everything_makes_everybody_look_again(
    store: Leases, monkeypatch: pytest.MonkeyPatch
):
    missed: list[str] = []
    monkeypatch.setattr("chatadmin.lib.bus.missed", lambda: missed.append(store.era()))
    losses = presence._Losses()
    losses.look()
    losses.look()
    assert missed == []
    monkeypatch.setattr(store, "era", lambda: "another")
    with capture_logs() as logs:
        for _ in range(2):
            losses.look()
    assert missed == ["another"]
    assert [line["event"] for line in logs] == ["presence.lost"]


def test_the_keeper_gathers_and_reaps_and_survives_a_failure(monkeypatch: pytest.MonkeyPatch):
    did: list[str] = []

    def gather() -> None:
        did.append("gather")
        raise ValueError("ann@example.com")

    monkeypatch.setattr(presence, "gather", gather)
    monkeypatch.setattr(presence, "reap", lambda: did.append("reap"))
    monkeypatch.setattr(presence, "GATHER_SECONDS", 0.005)
    monkeypatch.setattr(presence, "REAP_SECONDS", 0.01)

    async def run() -> None:
        presence.keep()
        presence.keep()
        keepers = [task for loop, task in presence._keepers.items() if loop is asyncio.get_running_loop()]
        beside = asyncio.all_tasks() - {asyncio.current_task()}
        async with asyncio.timeout(5):
            while did.count("reap") < 2:
                await asyncio.sleep(0.005)
        assert set(keepers) == beside
        assert len(keepers) == 1
        keepers[0].cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    with capture_logs() as logs:
        asyncio.run(run())
    assert did.count("gather") >= did.count("reap") >= 2
    assert {(line["event"], line["error"]) for line in logs} == {("presence.keeper_failed", "ValueError")}
