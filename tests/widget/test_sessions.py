"""What a hello opens, and what the frames after it do to the person."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event
from chatadmin.lib.limits import LocalLimits, Quota, Rate
from conversations import writing
from conversations.actions import Blocked, Gone
from conversations.counters import wrong
from conversations.models import ActivityEvent, Conversation, Message
from staff.models import Widget
from tests.factories import make_messages, make_person, make_widget
from tests.threads import together
from tests.widget.signing import signed
from users.models import ChatUser, Collected, CollectSetting, Visit, VisitorToken
from users.visits import Arrival, DeviceInfo
from widget import entering, sessions
from widget.entering import Coming, Opened, TooManyPeople, open_session
from widget.frames import FrameError, Hello, Identify, NewText, Page
from widget.greeting import history
from widget.identity import IdentityRefused, new_tokens
from widget.sessions import arrival_of, identify, move_widget, read_up_to, say, see_page

ARRIVAL = Arrival("https://shop.example/", "Shop", "", DeviceInfo("Chrome", "131", "Windows", "desktop"))
ADDRESS = "192.0.2.1"


@pytest.fixture(autouse=True)
def own_limits(monkeypatch: pytest.MonkeyPatch) -> LocalLimits:
    """Budgets that other tests have not spent."""
    made = LocalLimits()
    monkeypatch.setattr(entering, "limits", lambda: made)
    monkeypatch.setattr(writing, "limits", lambda: made)
    return made


@pytest.fixture
def site(db: None) -> Widget:
    return make_widget()


def hello(site: Widget, arrival: Arrival = ARRIVAL, **fields: Any) -> Opened:
    return open_session(Coming(site, Hello(1, **fields), arrival, ADDRESS))


def kinds(person: ChatUser) -> list[str]:
    return list(person.events.order_by("at", "pk").values_list("kind", flat=True))


# -- hello


def test_a_stranger_is_a_new_anonymous_person(site: Widget, told: list[Event]):
    opened = hello(site)
    person = ChatUser.objects.get()
    assert opened.person == person and person.is_anonymous
    assert person.tokens.count() == 1 and len(opened.token) > 40
    assert person.visits.get().pk == opened.visit_id
    assert (person.visit_count, person.device, opened.unread) == (1, "Chrome · Windows", 0)
    event = ActivityEvent.objects.get()
    assert (event.kind, event.visit_id) == ("first_visit", opened.visit_id)
    assert event.data == {"url": "https://shop.example/", "title": "Shop", "referrer": ""}
    assert [event.name for event in told] == ["user.created", "event.recorded", "user.changed"]
    assert list(wrong()) == []


def test_a_token_opens_its_person_and_stays(site: Widget):
    first = hello(site)
    make_messages(first.person, ("staff", "Hello"), ("bot", "I am a bot"), ("visitor", "Hi"))
    again = hello(site, token=first.token)
    assert (again.person, again.token, again.visit_id) == (first.person, first.token, first.visit_id)
    assert again.unread == 2
    assert (ChatUser.objects.count(), VisitorToken.objects.count(), Visit.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("token", [None, "", "never given", "x" * 15_000, "\x00", "\ud800", "é"])
def test_a_token_that_is_nobodys_makes_a_stranger(site: Widget, token: str | None):
    known = hello(site)
    opened = hello(site, token=token)
    assert opened.person != known.person
    assert opened.token not in {token, known.token}


def test_the_token_of_the_erased_makes_a_stranger(site: Widget):
    gone = hello(site)
    ChatUser.objects.filter(pk=gone.person.pk).update(erased_at=timezone.now())
    opened = hello(site, token=gone.token)
    assert opened.person != gone.person
    assert opened.token != gone.token
    assert kinds(opened.person) == ["first_visit"]


def test_the_token_of_a_known_person_alone_makes_a_stranger(site: Widget):
    known = hello(site, identity=signed(site, "x-1", name="Ann"))
    next_one = hello(site, token=known.token)
    assert next_one.person != known.person
    assert next_one.person.is_anonymous and next_one.token != known.token
    again = hello(site, token=known.token, identity=signed(site, "x-1"))
    assert (again.person, again.token) == (known.person, known.token)


def test_a_known_person_on_another_device_gets_a_token_of_its_own(site: Widget):
    phone = hello(site, identity=signed(site, "x-1"))
    laptop = hello(site, identity=signed(site, "x-1"))
    assert phone.person == laptop.person
    assert phone.token != laptop.token
    assert phone.person.tokens.count() == 2


def test_what_an_anonymous_visitor_did_is_joined(site: Widget):
    known = hello(site, identity=signed(site, "x-1"))
    stranger = hello(site)
    make_messages(stranger.person, ("visitor", "before signing in"))
    joined = hello(site, token=stranger.token, identity=signed(site, "x-1"))
    assert (joined.person, joined.token) == (known.person, stranger.token)
    assert joined.person.messages.get().body == "before signing in"
    assert ChatUser.objects.count() == 1
    assert Visit.objects.filter(ended_at=None).get().pk == joined.visit_id


def test_the_next_one_at_a_shared_computer_is_joined_to_nobody(site: Widget):
    ann = hello(site, identity=signed(site, "x-1"))
    make_messages(ann.person, ("visitor", "private"))
    bob = hello(site, token=ann.token, identity=signed(site, "x-2"))
    assert bob.person != ann.person
    assert bob.token != ann.token
    assert history(bob.person.pk, 0) == ([], False)


@pytest.mark.parametrize("broken", [{"hash": "0" * 64}, {"hash": ""}, {"hash": None}, {"expires": 1}])
def test_a_bad_identity_opens_nothing(site: Widget, told: list[Event], broken: dict[str, Any]):
    with pytest.raises(IdentityRefused):
        hello(site, identity=signed(site, "x-1") | broken)
    with pytest.raises(FrameError):
        hello(site, identity=signed(site, "x\n1"))
    assert (ChatUser.objects.count(), told) == (0, [])


def test_a_widget_may_require_an_identity(site: Widget):
    stranger = hello(site)
    site.require_identity = True
    for token in (None, stranger.token):
        with pytest.raises(IdentityRefused):
            hello(site, token=token)
    assert ChatUser.objects.count() == 1
    assert hello(site, identity=signed(site, "x-1")).person.verified


def test_the_blocked_come_in_no_more(site: Widget, told: list[Event]):
    opened = hello(site)
    ChatUser.objects.filter(pk=opened.person.pk).update(blocked_at=timezone.now())
    told.clear()
    with pytest.raises(Blocked):
        hello(site, token=opened.token)
    assert told == []


def test_the_blocked_do_not_get_round_it_by_a_name(site: Widget):
    stranger = hello(site)
    ChatUser.objects.filter(pk=stranger.person.pk).update(blocked_at=timezone.now())
    with pytest.raises(Blocked):
        hello(site, token=stranger.token, identity=signed(site, "x-1"))


def test_one_address_brings_so_many_new_people(site: Widget, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entering, "NEW_PEOPLE", Quota(most=2, seconds=600))
    known = hello(site)
    hello(site)
    with pytest.raises(TooManyPeople):
        hello(site)
    assert ChatUser.objects.count() == 2
    assert open_session(Coming(site, Hello(1), ARRIVAL, "192.0.2.2")).person
    # Those who were there before, and those a site vouches for, are no strangers.
    assert hello(site, token=known.token).person == known.person
    assert hello(site, identity=signed(site, "x-1")).person.verified


def test_the_budgets_are_those_of_the_contract():
    people, messages = entering.NEW_PEOPLE, sessions.MESSAGES
    assert (people, messages) == (Quota(most=600, seconds=600), Rate(burst=10, per_second=1))


def test_a_person_erased_in_between_is_looked_for_again(site: Widget, monkeypatch: pytest.MonkeyPatch):
    known = hello(site)
    enter, calls = entering._enter, []

    def slow(comings: Any, people: list[ChatUser | None], counted: Any) -> Any:
        calls.extend(people)
        ChatUser.objects.filter(pk__in=[one.pk for one in people if one]).update(erased_at=timezone.now())
        return enter(comings, people, counted)

    monkeypatch.setattr(entering, "_enter", slow)
    opened = hello(site, token=known.token)
    assert calls == [known.person, None]
    assert opened.person != known.person


def test_a_person_who_is_named_in_between_is_not_opened_without_it(
    site: Widget, monkeypatch: pytest.MonkeyPatch
):
    stranger = hello(site)
    enter = entering._enter

    def slow(*given: Any) -> Any:
        ChatUser.objects.filter(pk=stranger.person.pk).update(external_id="x-1")
        return enter(*given)

    monkeypatch.setattr(entering, "_enter", slow)
    opened = hello(site, token=stranger.token)
    assert opened.person != stranger.person
    assert opened.token != stranger.token


# -- visits and pages


def test_a_second_visit_is_told_as_one(site: Widget):
    first = hello(site)
    Visit.objects.update(started_at="2026-01-01T10:00Z", last_seen_at="2026-01-01T10:05Z")
    again = hello(site, token=first.token)
    assert again.visit_id != first.visit_id
    assert kinds(first.person) == ["first_visit", "visit"]
    first.person.refresh_from_db()
    assert first.person.is_repeat
    assert Visit.objects.get(pk=first.visit_id).how_ended == "estimated"


def test_pages_are_told_once_each(site: Widget):
    opened = hello(site)
    person, visit = opened.person, opened.visit_id
    hello(site, token=opened.token)
    for url in (
        "https://shop.example/",
        "https://shop.example/a",
        "https://shop.example/a",
        "https://shop.example/b",
    ):
        see_page(person.pk, visit, url, "Title")
    see_page(person.pk, visit, "https://shop.example/a", "Title")
    pages = person.events.filter(kind="page").order_by("pk")
    assert [page.data["url"][-2:] for page in pages] == ["/a", "/b", "/a"]
    assert pages[0].data == {"url": "https://shop.example/a", "title": "Title"}
    assert {page.visit_id for page in pages} == {visit}


def test_a_page_without_an_address_is_none(site: Widget):
    opened = hello(site)
    for url in ("", "  ", "\x00"):
        see_page(opened.person.pk, opened.visit_id, url, "Title")
    assert kinds(opened.person) == ["first_visit"]


def test_pages_are_cut_and_hold_no_nul(site: Widget):
    opened = hello(site)
    see_page(opened.person.pk, opened.visit_id, " https://a.example/\x00" + "x" * 5_000, "t\x00" * 900)
    data = opened.person.events.get(kind="page").data
    assert (len(data["url"]), len(data["title"])) == (2_000, 300)
    assert "\x00" not in data["url"] + data["title"]
    arrival = arrival_of(Page("u\x00" * 3_000, " t\x00 ", "r" * 3_000), DeviceInfo(), "192.0.2.0/24")
    assert (len(arrival.url), arrival.title, len(arrival.referrer)) == (2_000, "t", 2_000)
    assert arrival_of(None, DeviceInfo(), "") == Arrival()


def test_titles_are_collected_or_not(site: Widget):
    CollectSetting.objects.create(item=Collected.PAGE_TITLES, is_on=False)
    opened = hello(site)
    see_page(opened.person.pk, opened.visit_id, "https://shop.example/a", "Private title")
    assert opened.person.visits.get().landing_title == ""
    assert [event.data["title"] for event in opened.person.events.order_by("pk")] == ["", ""]


def test_the_widget_opens_and_closes(site: Widget):
    opened = hello(site)
    move_widget(opened.person.pk, opened.visit_id, "opened")
    move_widget(opened.person.pk, opened.visit_id, "closed")
    assert kinds(opened.person) == ["first_visit", "widget_opened", "widget_closed"]


def test_the_erased_do_nothing_more(site: Widget, told: list[Event]):
    opened = hello(site)
    pk, visit = opened.person.pk, opened.visit_id
    ChatUser.objects.filter(pk=pk).update(erased_at=timezone.now())
    told.clear()
    for act in (
        lambda: see_page(pk, visit, "https://shop.example/a", ""),
        lambda: move_widget(pk, visit, "opened"),
        lambda: say(pk, NewText(str(uuid.uuid4()), "Hello")),
        lambda: read_up_to(pk, 1),
        lambda: identify(site, pk, Identify(name="Ann")),
        lambda: identify(site, pk, Identify(identity=signed(site, "x-1"))),
    ):
        with pytest.raises(Gone):
            act()
    assert (Message.objects.count(), kinds(opened.person), told) == (0, ["first_visit"], [])


# -- messages


def test_saying(site: Widget):
    opened, key = hello(site), str(uuid.uuid4()).upper()
    first = say(opened.person.pk, NewText(key, " Hello\n"))
    again = say(opened.person.pk, NewText(key.lower(), " Hello\n"))
    assert (first.created, again.created, first.message.pk) == (True, False, again.message.pk)
    message = Message.objects.get()
    assert (message.body, message.sender, message.client_id) == (" Hello\n", "visitor", uuid.UUID(key))


def test_10_messages_at_once_count_per_person(site: Widget, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "MESSAGES", Rate(burst=10, per_second=0.0001))
    ann, bob = hello(site).person, hello(site).person
    for _ in range(10):
        say(ann.pk, NewText(str(uuid.uuid4()), "Hello"))
    key = str(uuid.uuid4())
    with pytest.raises(FrameError) as caught:
        say(ann.pk, NewText(key, "Hello"))
    assert (caught.value.code, caught.value.client_id) == ("too_fast", key)
    assert ann.messages.count() == 10
    assert say(bob.pk, NewText(key, "Hello")).created


def test_reading_marks_ours(site: Widget):
    opened = hello(site)
    ours, theirs = make_messages(opened.person, ("staff", "Hello"), ("visitor", "Hi"))
    read_up_to(opened.person.pk, theirs.pk)
    assert list(Message.objects.exclude(read_at=None)) == [ours]
    assert hello(site, token=opened.token).unread == 0


def test_history_from_an_id_on(site: Widget):
    person = hello(site).person
    made = make_messages(person, *[("visitor", str(number)) for number in range(5)])
    Message.objects.filter(pk=made[4].pk).update(id=-9)
    everything = [-9, *(message.pk for message in made[:4])]
    assert [message.pk for message in history(person.pk, 0)[0]] == everything
    assert [message.pk for message in history(person.pk, made[1].pk)[0]] == everything[3:]
    assert [message.pk for message in history(person.pk, -10)[0]] == everything
    assert history(person.pk, 2**63 - 1) == ([], False)
    assert history(person.pk + 1_000, 0) == ([], False)


def test_history_comes_in_pieces_of_200(site: Widget):
    person = hello(site).person
    made = make_messages(person, *[("visitor", str(number)) for number in range(401)])
    got: list[int] = []
    pieces = []
    more = True
    while more:
        found, more = history(person.pk, got[-1] if got else 0)
        pieces.append(len(found))
        got += [message.pk for message in found]
    assert pieces == [200, 200, 1]
    assert got == [message.pk for message in made]
    assert history(person.pk, made[200].pk)[1] is False


# -- identify


def test_a_claim_is_taken_and_cleared(site: Widget):
    person = hello(site).person
    named, reload = identify(site, person.pk, Identify(name="Ann", email="ann@example.com"))
    assert (named.name, named.email, named.verified, reload) == ("Ann", "ann@example.com", False, False)
    kept, _ = identify(site, person.pk, Identify(email=None))
    assert (kept.name, kept.email) == ("Ann", "")
    assert identify(site, person.pk, Identify())[0].name == "Ann"
    with pytest.raises(FrameError):
        identify(site, person.pk, Identify(name="Bob", email="not an address"))
    person.refresh_from_db()
    assert person.name == "Ann"


def test_a_claim_opens_nobody_elses_history(site: Widget):
    ann = hello(site, identity=signed(site, "x-1", email="ann@example.com")).person
    stranger = hello(site).person
    person, reload = identify(site, stranger.pk, Identify(email="ann@example.com"))
    assert (person.pk, reload) == (stranger.pk, False)
    assert ann.pk != stranger.pk


@pytest.mark.parametrize(
    ("had", "knows", "reload"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_joining_says_whether_the_history_changed(site: Widget, had: bool, knows: bool, reload: bool):
    known = hello(site, identity=signed(site, "x-1")).person
    visitor = hello(site).person
    for person, wrote in ((known, knows), (visitor, had)):
        if wrote:
            make_messages(person, ("visitor", "Hello"))
    assert identify(site, visitor.pk, Identify(identity=signed(site, "x-1"))) == (known, reload)


def test_becoming_somebody_new_keeps_the_history(site: Widget):
    visitor = hello(site).person
    make_messages(visitor, ("visitor", "Hello"))
    assert identify(site, visitor.pk, Identify(identity=signed(site, "x-1"))) == (visitor, False)
    assert identify(site, visitor.pk, Identify(identity=signed(site, "x-1", name="Ann"))) == (visitor, False)


def test_becoming_somebody_else_changes_the_history(site: Widget):
    ann = hello(site, identity=signed(site, "x-1")).person
    person, reload = identify(site, ann.pk, Identify(identity=signed(site, "x-2")))
    assert (person != ann, reload) == (True, True)


def test_a_bad_signature_changes_nothing(site: Widget):
    visitor = hello(site).person
    with pytest.raises(IdentityRefused):
        identify(site, visitor.pk, Identify(name="Ann", identity={"external_id": "x-1", "hash": "0" * 64}))
    visitor.refresh_from_db()
    assert visitor.is_anonymous


# -- at once


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_are_one_person_in_one_visit():
    site, person = make_widget(), make_person(visit_count=0)
    token = new_tokens([person])[0]
    results = together(*[lambda: hello(site, token=token)] * 4)
    assert {(opened.person.pk, opened.visit_id) for opened in results if isinstance(opened, Opened)} == {
        (person.pk, Visit.objects.get().pk)
    }
    person.refresh_from_db()
    assert (person.visit_count, kinds(person).count("first_visit")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_sign_in_at_once_are_one_person():
    site, stranger = make_widget(), make_person(visit_count=0)
    make_messages(stranger, ("visitor", "Hello"), start=timezone.now() - dt.timedelta(minutes=1))
    token = new_tokens([stranger])[0]
    ann = make_person("Ann", external_id="x-1")
    results = together(*[lambda: hello(site, token=token, identity=signed(site, "x-1"))] * 4)
    assert {opened.person.pk for opened in results if isinstance(opened, Opened)} == {ann.pk}
    assert all(isinstance(opened, Opened) for opened in results)
    assert (ChatUser.objects.count(), ann.messages.count(), Conversation.objects.count()) == (1, 1, 1)
    assert list(wrong()) == []
