"""Hellos that come at once are answered as if each had come alone, and cost hardly more than one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.bus import Event
from chatadmin.lib.limits import LocalLimits, Quota
from conversations.actions import Blocked
from conversations.counters import wrong
from staff.models import Widget
from tests.announcements import listen
from tests.factories import make_messages, make_person, make_visit, make_widget
from tests.widget.signing import signed
from users import presence
from users.models import ChatUser, Visit, VisitorToken
from users.visits import Arrival, DeviceInfo
from widget import entering
from widget.entering import Coming, TooManyPeople
from widget.frames import FrameError, Hello
from widget.greeting import Greeting, Welcome, greet
from widget.identity import IdentityRefused, new_tokens

PAGE = "https://shop.example/"
CHROME = DeviceInfo("Chrome", "131", "Windows", "desktop")


@pytest.fixture(autouse=True)
def own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotas that other tests have not spent."""
    made = LocalLimits()
    monkeypatch.setattr(entering, "limits", lambda: made)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@pytest.fixture
def site(db: None) -> Widget:
    return make_widget()


def hello(site: Widget, *, address: str = "192.0.2.1", url: str = PAGE, **fields: Any) -> Greeting:
    arrival = Arrival(url, "Shop", device=CHROME)
    return Greeting(Coming(site, Hello(1, **fields), arrival, address), uuid.uuid4().hex)


def known(*said: tuple[str, str], **fields: Any) -> tuple[ChatUser, str]:
    """Somebody who was here before, with these messages, and their token."""
    person = make_person(**fields)
    make_visit(person, landing_url=PAGE)
    if said:
        make_messages(person, *said)
    return person, new_tokens([person])[0]


def kinds(person: ChatUser) -> list[str]:
    return list(person.events.order_by("at", "pk").values_list("kind", flat=True))


def miscounted() -> list[Any]:
    """Visits that were counted otherwise than they are there."""
    return [one for one in wrong() if one.column == "visit_count"]


def welcome(outcome: Welcome | Exception) -> Welcome:
    assert isinstance(outcome, Welcome), outcome
    return outcome


def test_strangers_who_come_together_are_different_people(site: Widget, told: list[Event]):
    welcomes = [welcome(one) for one in greet([hello(site) for _ in range(5)])]
    people = [one.opened.person for one in welcomes]
    assert len({person.pk for person in people}) == len({one.opened.token for one in welcomes}) == 5
    for one in welcomes:
        person = ChatUser.objects.get(tokens__token_hash=entering.identities.token_hash(one.opened.token))
        assert person == one.opened.person
        assert (person.visit_count, person.device, person.is_anonymous) == (1, "Chrome · Windows", True)
        assert person.visits.get().pk == one.opened.visit_id
        assert kinds(person) == ["first_visit"]
        assert (one.messages, one.more, one.sockets, one.opened.unread) == ([], False, 1, 0)
    names = [(event.name, event.chat_user) for event in told]
    for person in people:
        of_them = [name for name, about in names if about == str(person.uuid)]
        assert of_them == ["user.created", "event.recorded", "user.changed", "presence.changed"]
    assert miscounted() == []


def test_those_who_are_back_go_on(site: Widget):
    (ann, ann_token), (bob, bob_token) = known(("staff", "Hi Ann")), known(("visitor", "x"), ("staff", "y"))
    first = bob.messages.order_by("pk")[0].pk
    greetings = [hello(site, token=ann_token), hello(site), hello(site, token=bob_token, after=first)]
    to_ann, to_stranger, to_bob = map(welcome, greet(greetings))
    assert (to_ann.opened.person, to_ann.opened.token, to_ann.opened.unread) == (ann, ann_token, 1)
    assert [message.body for message in to_ann.messages] == ["Hi Ann"]
    assert [message.body for message in to_bob.messages] == ["y"]
    assert (to_bob.opened.person, to_bob.opened.visit_id) == (bob, bob.visits.get().pk)
    assert to_stranger.opened.person not in (ann, bob)
    assert (ChatUser.objects.count(), Visit.objects.count(), VisitorToken.objects.count()) == (3, 3, 3)
    assert miscounted() == []


def test_one_person_in_several_tabs_is_one_visit(site: Widget):
    ann, token = known()
    Visit.objects.update(started_at="2026-01-01T10:00Z", last_seen_at="2026-01-01T10:05Z")
    urls = [PAGE, PAGE, f"{PAGE}cart"]
    welcomes = [welcome(one) for one in greet([hello(site, token=token, url=url) for url in urls])]
    assert {one.opened.person for one in welcomes} == {ann}
    assert len({one.opened.visit_id for one in welcomes}) == 1
    assert [one.sockets for one in welcomes] == [1, 2, 3]
    ann.refresh_from_db()
    assert ann.visit_count == ann.visits.count() == 2
    assert ann.visits.get(pk=welcomes[0].opened.visit_id).landing_url == PAGE
    assert kinds(ann) == ["visit", "page"]
    assert ann.events.get(kind="page").data["url"] == f"{PAGE}cart"


def test_one_who_may_not_come_in_keeps_nobody_out(site: Widget, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entering, "NEW_PEOPLE", Quota(most=1, seconds=600))
    blocked, blocked_token = known(blocked_at=timezone.now())
    erased, erased_token = known(erased_at=timezone.now())
    strict = make_widget(require_identity=True)
    outcomes = greet(
        [
            hello(site),
            hello(site, token=blocked_token),
            hello(strict),
            hello(site, identity=signed(site, "x-1") | {"hash": "0" * 64}),
            hello(site, identity=signed(site, "x-1", name="A\x00")),
            hello(site),
            hello(site, address="192.0.2.9", token=erased_token),
            hello(site, identity=signed(site, "x-1")),
        ]
    )
    assert [type(one) for one in outcomes] == [
        Welcome,
        Blocked,
        IdentityRefused,
        IdentityRefused,
        FrameError,
        TooManyPeople,
        Welcome,
        Welcome,
    ]
    assert welcome(outcomes[6]).opened.person != erased
    assert welcome(outcomes[7]).opened.person.external_id == "x-1"
    blocked.refresh_from_db()
    assert (blocked.visit_count, blocked.visits.count(), kinds(blocked)) == (1, 1, [])
    assert miscounted() == []


def test_one_that_can_not_be_written_keeps_nobody_out(site: Widget, monkeypatch: pytest.MonkeyPatch):
    begin_all = entering.visits.begin_all

    def failing(arrivals: Any) -> Any:
        if any(arrival.url == "bad" for _, arrival in arrivals):
            raise ValueError
        return begin_all(arrivals)

    monkeypatch.setattr(entering.visits, "begin_all", failing)
    outcomes = greet([hello(site), hello(site, url="bad"), hello(site)])
    assert [type(one) for one in outcomes] == [Welcome, ValueError, Welcome]
    assert ChatUser.objects.count() == Visit.objects.count() == 2


@pytest.mark.parametrize("are_known", [False, True])
def test_many_ask_no_more_than_two(site: Widget, are_known: bool):
    def asked(count: int) -> int:
        tokens = [known(("visitor", "read"))[1] if are_known else None for _ in range(count)]
        newest = 10**9
        greetings = [hello(site, token=token, after=newest if token else 0) for token in tokens]
        with CaptureQueriesContext(connection) as queries:
            greet(greetings)
        return len(queries)

    assert asked(20) == asked(2) > 5


def test_a_long_history_comes_in_parts_for_each(site: Widget, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("widget.greeting.WELCOME_MESSAGES", 2)
    _, long_token = known(*[("staff", str(number)) for number in range(3)])
    _, short_token = known(("staff", "only"))
    long, short = map(welcome, greet([hello(site, token=long_token), hello(site, token=short_token)]))
    assert ([message.body for message in long.messages], long.more) == (["0", "1"], True)
    assert ([message.body for message in short.messages], short.more) == (["only"], False)


def test_a_failure_after_it_was_written_lets_nobody_in_twice(site: Widget, monkeypatch: pytest.MonkeyPatch):
    calls = []

    def failing(people: Any) -> Any:
        calls.append(people)
        if len(calls) == 1:
            raise OperationalError
        return {}

    monkeypatch.setattr(entering, "_unread", failing)
    outcomes = greet([hello(site) for _ in range(3)])
    assert [type(one) for one in outcomes] == [Welcome] * 3
    assert ChatUser.objects.count() == Visit.objects.count() == 3


def test_nobody_counts_as_here_whose_history_could_not_be_read(site: Widget, monkeypatch: pytest.MonkeyPatch):
    person, token = known()

    def failing(asked: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr("widget.greeting._histories", failing)
    with pytest.raises(OperationalError):
        greet([hello(site, token=token), hello(site)])
    assert presence.online([person.uuid]) == set()
    monkeypatch.undo()
    assert welcome(greet([hello(site, token=token)])[0]).sockets == 1
    assert presence.online([person.uuid]) == {person.uuid}


def test_who_has_to_try_again_is_counted_once(site: Widget, monkeypatch: pytest.MonkeyPatch):
    limits = LocalLimits()
    monkeypatch.setattr(entering, "limits", lambda: limits)
    monkeypatch.setattr(entering, "NEW_PEOPLE", Quota(most=4, seconds=600))
    begin_all, failures = entering.visits.begin_all, [OperationalError()]

    def failing(arrivals: Any) -> Any:
        if failures:
            raise failures.pop()
        return begin_all(arrivals)

    monkeypatch.setattr(entering.visits, "begin_all", failing)
    assert [type(one) for one in greet([hello(site) for _ in range(3)])] == [Welcome] * 3
    last = greet([hello(site), hello(site)])
    assert [type(one) for one in last] == [Welcome, TooManyPeople]


def test_those_a_site_vouches_for_are_looked_up_together(site: Widget):
    def asked(numbers: range) -> int:
        greetings = [hello(site, identity=signed(site, f"x-{number}", name="Ann")) for number in numbers]
        with CaptureQueriesContext(connection) as queries:
            outcomes = greet(greetings)
        people = [welcome(one).opened.person.external_id for one in outcomes]
        assert people == [f"x-{number}" for number in numbers]
        return len(queries)

    asked(range(20))
    assert asked(range(2)) == asked(range(2, 20))


def test_who_comes_back_is_told_what_staff_have_read_of_theirs(site: Widget):
    person, token = known(("visitor", "one"), ("visitor", "two"), ("visitor", "three"))
    _, two, three = person.messages.order_by("pk")
    first = welcome(greet([hello(site, token=token, after=three.pk)])[0])
    assert first.read is None
    now = timezone.now()
    person.messages.filter(pk__lte=two.pk).update(read_at=now)
    (back,) = greet([hello(site, token=token, after=three.pk)])
    assert welcome(back).read == (two.pk, now)
    (whole,) = greet([hello(site, token=token)])
    assert welcome(whole).read is None, "each message says it then"
