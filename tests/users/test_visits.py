"""Visits: presence with no gap over 30 minutes, kept so that a crash loses a minute at most."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.factories import make_person, make_visit
from tests.threads import together
from users.models import ChatUser, Collected, CollectSetting, Visit
from users.visits import Arrival, DeviceInfo, Leaving, begin, end, end_stale, resume, seen

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
CHROME = DeviceInfo("Chrome", "131", "Windows", "desktop")
FIREFOX = DeviceInfo("Firefox", "130", "Android", "phone")
ARRIVAL = Arrival("https://shop.example/", "Shop", "https://search.example/", CHROME, "203.0.113.0/24")


def at(minutes: float) -> dt.datetime:
    return T + dt.timedelta(minutes=minutes)


@pytest.fixture
def ann(db: None) -> ChatUser:
    return make_person("Ann", last_active=None)


def test_the_first_visit(ann: ChatUser):
    visit, is_new = begin(ann, ARRIVAL, T)
    visit.refresh_from_db()
    ann.refresh_from_db()
    assert is_new
    assert (visit.started_at, visit.last_seen_at, visit.ended_at, visit.how_ended) == (T, T, None, "")
    assert (visit.landing_url, visit.landing_title) == ("https://shop.example/", "Shop")
    assert (visit.referrer, visit.network) == ("https://search.example/", "203.0.113.0/24")
    assert (visit.device_long, ann.device_long) == ("Chrome 131 · Windows", "Chrome 131 · Windows")
    assert (ann.visit_count, ann.last_active, ann.is_repeat) == (1, T, False)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("minutes", "same"), [(0, True), (29.9, True), (30, True), (30.01, False), (600, False)]
)
def test_a_gap_of_30_minutes_or_less_goes_on(ann: ChatUser, minutes: float, same: bool, ended: bool):
    first, _ = begin(ann, ARRIVAL, T)
    if ended:
        end({ann.uuid: Leaving(T, clean=True)})
    visit, is_new = begin(ann, Arrival("https://shop.example/again", device=FIREFOX), at(minutes))
    ann.refresh_from_db()
    assert is_new is not same
    assert (visit.pk == first.pk) is same
    assert ann.visit_count == (1 if same else 2)
    assert ann.last_active == at(minutes)
    assert ann.visits.filter(ended_at=None).get() == visit
    visit.refresh_from_db()
    assert (visit.last_seen_at, visit.how_ended) == (at(minutes), "")
    assert visit.landing_url == ("https://shop.example/" if same else "https://shop.example/again")


def test_a_visit_that_was_left_open_ends_when_the_next_begins(ann: ChatUser):
    begin(ann, ARRIVAL, T)
    seen([ann.uuid], at(5))
    begin(ann, ARRIVAL, at(60))
    first, second = ann.visits.order_by("started_at")
    assert (first.ended_at, first.how_ended) == (at(5), "estimated")
    assert (second.started_at, second.ended_at) == (at(60), None)


def test_the_gap_counts_from_the_last_sign_of_life(ann: ChatUser):
    begin(ann, ARRIVAL, T)
    seen([ann.uuid], at(25))
    assert begin(ann, ARRIVAL, at(54))[1] is False
    assert begin(ann, ARRIVAL, at(85))[1] is True


def test_a_new_visit_brings_its_device_and_a_resumed_one_keeps_it(ann: ChatUser):
    begin(ann, ARRIVAL, T)
    begin(ann, Arrival(device=FIREFOX), at(10))
    ann.refresh_from_db()
    assert ann.device == "Chrome · Windows"
    begin(ann, Arrival(device=FIREFOX), at(100))
    ann.refresh_from_db()
    assert (ann.device, ann.device_kind) == ("Firefox · Android", "phone")
    assert [visit.browser for visit in ann.visits.order_by("started_at")] == ["Chrome", "Firefox"]


@pytest.mark.parametrize(
    ("item", "gone"),
    [
        (Collected.NETWORK, {"network"}),
        (Collected.REFERRER, {"referrer"}),
        (Collected.PAGE_TITLES, {"landing_title"}),
        (Collected.DEVICE, {"browser", "browser_version", "os", "device_kind"}),
    ],
)
def test_what_is_not_collected_is_not_kept(ann: ChatUser, item: str, gone: set[str]):
    CollectSetting.objects.create(item=item, is_on=False)
    visit, _ = begin(ann, ARRIVAL, T)
    visit.refresh_from_db()
    ann.refresh_from_db()
    kept = [
        "landing_url",
        "network",
        "referrer",
        "landing_title",
        "browser",
        "browser_version",
        "os",
        "device_kind",
    ]
    assert {field for field in kept if not getattr(visit, field)} == gone
    assert (ann.device == "") == (item == Collected.DEVICE)


def test_what_is_switched_on_again_is_kept(ann: ChatUser):
    CollectSetting.objects.create(item=Collected.NETWORK, is_on=True)
    assert begin(ann, ARRIVAL, T)[0].network == "203.0.113.0/24"


def test_long_addresses_are_cut(ann: ChatUser):
    visit, _ = begin(ann, Arrival("https://x.example/" + "é" * 3_000, "t" * 400, "r" * 3_000), T)
    visit.refresh_from_db()
    assert (len(visit.landing_url), len(visit.landing_title), len(visit.referrer)) == (2_000, 300, 2_000)


def test_of_joined_people_the_open_visit_goes_on(ann: ChatUser):
    opened = make_visit(ann, started_at=T, last_seen_at=at(10))
    make_visit(ann, started_at=at(5), last_seen_at=at(12), ended_at=at(12), how_ended="left")
    visit, is_new = begin(ann, ARRIVAL, at(20))
    assert (visit.pk, is_new) == (opened.pk, False)
    assert ann.visits.filter(ended_at=None).count() == 1


def test_of_joined_people_the_one_seen_last_goes_on_where_the_open_one_is_stale(ann: ChatUser):
    stale = make_visit(ann, started_at=T, last_seen_at=at(10))
    latest = make_visit(ann, started_at=at(1), last_seen_at=at(50), ended_at=at(50), how_ended="left")
    visit, is_new = begin(ann, ARRIVAL, at(60))
    assert (visit.pk, is_new) == (latest.pk, False)
    stale.refresh_from_db()
    assert (stale.ended_at, stale.how_ended) == (at(10), "estimated")


def test_a_clock_that_is_behind_takes_nothing_back(ann: ChatUser):
    begin(ann, ARRIVAL, at(10))
    visit, is_new = begin(ann, ARRIVAL, at(9))
    ann.refresh_from_db()
    assert (is_new, visit.last_seen_at, ann.last_active) == (False, at(10), at(10))
    seen([ann.uuid], at(8))
    ann.refresh_from_db()
    assert (ann.visits.get().last_seen_at, ann.last_active) == (at(10), at(10))


def test_signs_of_life_move_the_living_alone(ann: ChatUser):
    bob, gone = make_person("Bob", last_active=T), make_person("Gone", last_active=T)
    for person in (ann, bob, gone):
        make_visit(person, started_at=T)
    make_visit(bob, started_at=at(-100), ended_at=at(-90))
    ChatUser.objects.filter(pk=gone.pk).update(erased_at=T)
    seen([ann.uuid, bob.uuid, gone.uuid, uuid.uuid4()], at(1))
    for person in (ann, bob, gone):
        person.refresh_from_db()
    assert [person.last_active for person in (ann, bob, gone)] == [at(1), at(1), T]
    assert [person.visits.latest("started_at").last_seen_at for person in (ann, bob, gone)] == [
        at(1),
        at(1),
        T,
    ]
    assert bob.visits.earliest("started_at").last_seen_at == at(-90)


def test_signs_of_life_cost_three_queries_however_many(db: None):
    people = [make_person(f"Person {number}") for number in range(30)]
    for person in people:
        make_visit(person, started_at=T)
    with CaptureQueriesContext(connection) as queries:
        seen([person.uuid for person in people], at(1))
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 3


def test_an_arrival_after_the_beats_were_gathered_harms_no_other(ann: ChatUser):
    # Gathered on another process's clock, a moment before this visit began.
    bob = make_person("Bob", last_active=T)
    make_visit(bob, started_at=T)
    begin(ann, ARRIVAL, at(2))
    seen([ann.uuid, bob.uuid], at(1))
    assert bob.visits.get().last_seen_at == at(1)
    assert ann.visits.get().last_seen_at == at(2)


@pytest.mark.parametrize(("clean", "how"), [(True, "left"), (False, "estimated")])
def test_the_end_says_how_it_came(ann: ChatUser, clean: bool, how: str):
    begin(ann, ARRIVAL, T)
    end({ann.uuid: Leaving(at(7), clean=clean)})
    visit = ann.visits.get()
    ann.refresh_from_db()
    assert (visit.ended_at, visit.last_seen_at, visit.how_ended) == (at(7), at(7), how)
    assert ann.last_active == at(7)


def test_an_end_is_not_before_the_last_sign_of_life(ann: ChatUser):
    begin(ann, ARRIVAL, T)
    seen([ann.uuid], at(5))
    end({ann.uuid: Leaving(at(5) - dt.timedelta(seconds=1), clean=True)})
    assert ann.visits.get().ended_at == at(5)


def test_who_came_back_in_between_stays(ann: ChatUser):
    begin(ann, ARRIVAL, T)
    begin(ann, ARRIVAL, at(5))
    end({ann.uuid: Leaving(at(4), clean=True)})
    assert ann.visits.get().ended_at is None


def test_ending_what_is_not_open_changes_nothing(ann: ChatUser):
    visit = make_visit(ann, started_at=T, ended_at=at(3), how_ended="left")
    end({ann.uuid: Leaving(at(9), clean=False), uuid.uuid4(): Leaving(at(9), clean=True)})
    end({})
    visit.refresh_from_db()
    assert (visit.ended_at, visit.how_ended) == (at(3), "left")


def test_going_on_after_a_lost_lease(ann: ChatUser):
    make_visit(ann, started_at=T, ended_at=at(5), how_ended="estimated")
    bob = make_person("Bob")
    make_visit(bob, started_at=T, ended_at=at(5), how_ended="left")
    resume([ann.uuid], at(10))
    ann.refresh_from_db()
    assert (ann.visits.get().ended_at, ann.visits.get().last_seen_at) == (None, at(10))
    assert ann.last_active == at(10)
    assert bob.visits.get().ended_at == at(5)
    resume([bob.uuid], at(36))
    assert bob.visits.get().ended_at == at(5)


def test_stale_visits_end_at_their_last_sign_of_life(ann: ChatUser):
    bob, cleo = make_person("Bob"), make_person("Cleo")
    make_visit(ann, started_at=T, last_seen_at=at(5))
    make_visit(bob, started_at=T, last_seen_at=at(5))
    make_visit(cleo, started_at=T, last_seen_at=at(8))
    assert end_stale({bob.uuid}, at(10)) == [ann.uuid]
    visit = ann.visits.get()
    assert (visit.ended_at, visit.how_ended) == (at(5), "estimated")
    assert Visit.objects.filter(ended_at=None).count() == 2
    assert end_stale({bob.uuid}, at(10)) == []


def test_stale_visits_end_a_few_at_a_time(db: None):
    for number in range(5):
        make_visit(make_person(f"Person {number}"), started_at=at(number))
    assert len(end_stale(set(), at(60), limit=2)) == 2
    assert set(Visit.objects.filter(ended_at=None).values_list("started_at", flat=True)) == {
        at(2),
        at(3),
        at(4),
    }
    assert [len(end_stale(set(), at(60), limit=2)) for _ in range(3)] == [2, 1, 0]


def test_one_visit_is_open_at_most(ann: ChatUser):
    make_visit(ann, started_at=T)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_visit(ann, started_at=at(100))
    make_visit(ann, started_at=at(-100), ended_at=at(-90))


@pytest.mark.parametrize("wrong", [{"last_seen_at": at(-1)}, {"ended_at": at(-1), "last_seen_at": T}])
def test_a_visit_does_not_end_before_it_begins(ann: ChatUser, wrong: dict[str, dt.datetime]):
    with pytest.raises(IntegrityError), transaction.atomic():
        Visit.objects.create(chat_user=ann, started_at=T, **wrong)


@pytest.mark.django_db(transaction=True)
def test_two_hellos_at_once_make_one_visit():
    ann = make_person("Ann")

    def hello() -> bool:
        with transaction.atomic():
            person = ChatUser.objects.select_for_update().get(pk=ann.pk)
            return begin(person, ARRIVAL)[1]

    assert sorted(together(hello, hello, hello, hello), key=str) == [False, False, False, True]
    ann.refresh_from_db()
    assert (ann.visits.count(), ann.visit_count) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_gathering_and_reaping_the_same_people_do_not_wait_for_each_other():
    people = [make_person(f"Person {number}", last_active=T) for number in range(20)]
    for person in people:
        make_visit(person, started_at=T)
    names = [person.uuid for person in people]

    def gather() -> None:
        for minute in range(5):
            seen(names, at(minute))

    def reap() -> None:
        for _ in range(5):
            end({name: Leaving(T, clean=False) for name in reversed(names)})

    assert together(gather, reap, gather) == [None, None, None]
    assert Visit.objects.count() == 20
