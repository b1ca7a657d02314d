"""The pill of an open list: who is new to what it shows is counted once, on any list, by one question for all pages."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from html import unescape

import pytest

from chatadmin.lib.bus import Event
from conversations.models import Sender
from live import newcomers
from live.newcomers import MOST_COUNTED, MOST_MOVED, Listing, Newcomers
from search.arrivals import Moved, Text
from staff.models import Role
from tests.factories import make_account, make_person
from tests.server import Server
from tests.staff_http import StaffBrowser, StaffPage
from tests.visitor import Visitor
from users.models import ChatUser

Open = Callable[..., Visitor]


@pytest.fixture
def shown(server: Server) -> ChatUser:
    return make_person("Mariam")


def pill(page: StaffPage) -> tuple[str, set[str], str]:
    """The next pill: its words, whom it counts, where it leads."""
    html = page.expect('data-slot="newcomers"')
    link = re.search(r'<a data-slot="newcomers"[^>]*>([^<]*)</a>', html)
    assert link
    counted = re.search(r'data-counted="([^"]*)"', link[0])
    address = re.search(r'href="([^"]*)"', link[0])
    return link[1], set(counted[1].split() if counted else []), unescape(address[1])


def person_of(tab: Visitor) -> str:
    return str(tab.user["id"])


def arrive(visit: Open) -> Visitor:
    """A visitor who has said hello."""
    tab = visit()
    tab.hello()
    return tab


def test_who_comes_is_counted(visit: Open, sam: StaffBrowser, shown: ChatUser) -> None:
    with sam.live() as page:
        page.watch(str(shown.uuid), list="")
        first, second = arrive(visit), arrive(visit)
        words, counted, address = pill(page)
        if len(counted) == 1:  # the gathering fell between them
            words, counted, address = pill(page)
        assert (words, address) == ("2 new people", "/users/")
        assert counted == {person_of(first), person_of(second)}


def test_who_writes_counts_once_and_those_on_screen_do_not(visit: Open, sam: StaffBrowser) -> None:
    seen, unseen, late = arrive(visit), arrive(visit), arrive(visit)
    with sam.live() as page:
        page.watch(person_of(seen), list="")
        seen.say("I am on screen")
        unseen.say("one")
        unseen.say("two")
        assert pill(page) == ("1 new person", {person_of(unseen)}, "/users/")
        unseen.say("three")
        seen.say("still on screen")
        late.say("me too")
        assert pill(page)[:2] == ("2 new people", {person_of(unseen), person_of(late)})


def test_those_whom_the_filters_leave_out_are_not_counted(visit: Open, sam: StaffBrowser) -> None:
    plain, vip = arrive(visit), arrive(visit)
    ChatUser.objects.filter(uuid=person_of(vip)).update(is_vip=True)
    query = "has_email=no&vip=yes&from_view=2"
    with sam.live() as page, sam.live() as other:
        page.watch(list=query)
        other.watch(list="vip=yes&has_email=yes")
        plain.say("not a VIP")
        vip.say("a VIP")
        assert pill(page) == ("1 new person", {person_of(vip)}, f"/users/?{query}")
        sam.post(f"/users/{person_of(vip)}/edit/", name="Val", email="val@site.example")
        assert pill(other)[:2] == ("1 new person", {person_of(vip)})


def test_a_search_of_messages_counts_who_says_the_words(visit: Open, sam: StaffBrowser) -> None:
    asks, chats, shown = arrive(visit), arrive(visit), arrive(visit)
    query = "q=refund&in=messages"
    with sam.live() as page:
        page.watch(person_of(shown), list=query)
        chats.say("nice weather")
        shown.say("where is my refund")
        asks.say("A REFUND, please")
        assert pill(page) == ("1 new person", {person_of(asks)}, f"/users/?{query}")
        sam.reply(person_of(chats), "Is it about a refund?")
        assert pill(page)[:2] == ("2 new people", {person_of(asks), person_of(chats)})


def test_a_list_by_name_hears_of_names(visit: Open, sam: StaffBrowser) -> None:
    tab, renamed = arrive(visit), arrive(visit)
    with sam.live() as page:
        page.watch(list="sort=name")
        tab.say("I write, and stand where I stood")
        renamed.send("identify", name="Zoe")
        assert pill(page) == ("1 new person", {person_of(renamed)}, "/users/?sort=name")


def test_a_list_with_a_mistake_counts_nobody_and_harms_nobody(visit: Open, sam: StaffBrowser) -> None:
    with sam.live() as wrong, sam.live() as right:
        wrong.watch(list="sort=foo&q=" + "x" * 300)
        right.watch(list="")
        tab = arrive(visit)
        assert pill(right)[1] == {person_of(tab)}
        wrong.watch(list="")
        tab = arrive(visit)
        assert pill(wrong)[:2] == ("1 new person", {person_of(tab)})


def test_a_new_connection_goes_on_and_a_list_drawn_anew_begins_anew(visit: Open, sam: StaffBrowser) -> None:
    earlier = str(make_person("Earlier").uuid)
    with sam.live() as page:
        page.watch(list="", counted=[earlier])
        tab = arrive(visit)
        assert pill(page)[:2] == ("2 new people", {earlier, person_of(tab)})
        page.watch(list="", counted=[])
        later = arrive(visit)
        assert pill(page)[:2] == ("1 new person", {person_of(later)})


def test_the_erased_count_no_more(visit: Open, sam: StaffBrowser) -> None:
    with sam.live() as page:
        page.watch(list="")
        tab = arrive(visit)
        assert pill(page)[1] == {person_of(tab)}
        olu = StaffBrowser(sam.server, make_account("olu@team.example", Role.OWNER))
        assert erased(olu, person_of(tab))
        assert pill(page)[:2] == ("", set())


def erased(by: StaffBrowser, person: str) -> bool:
    page = by.get(f"/users/{person}/delete/")[1]
    word = re.search(r'data-confirm-word="([^"]*)"', page)
    assert word
    return by.post(f"/users/{person}/delete/", confirm=unescape(word[1]), reason="test")[0] in (200, 302)


# -- the bounds, without a server


class Shown:
    """A page of a list."""

    def __init__(self, query: str, users: frozenset[str] = frozenset()) -> None:
        self.listing: Listing | None = Listing(query)
        self.since = 0.0
        self.counted: set[str] = set()

    def arrived(self, people: set[str]) -> None:
        self.counted |= set(sorted(people)[: MOST_COUNTED - len(self.counted)])

    def left(self, name: str) -> None:
        self.counted.discard(name)


class Asked:
    """Stands in for the database: everybody matches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
        self.asked: list[tuple[str, int]] = []
        self.seconds = seconds
        monkeypatch.setattr(newcomers, "_arrived", self._arrived)
        monkeypatch.setattr(newcomers, "_texts", self._texts)

    async def _arrived(
        self, listing: Listing, people: Mapping[str, Moved], said: Mapping[int, Text]
    ) -> set[str]:
        self.asked.append((listing.query, len(people)))
        if listing.query == "q=broken":
            raise RuntimeError("broken")
        time.sleep(self.seconds)  # noqa: ASYNC251 - the clock is what is tried
        return set(people)

    async def _texts(self, messages: set[int]) -> dict[int, Text]:
        return {}


def wrote(number: int) -> Event:
    return Event("message.created", f"person {number}", {"id": number, "sender": Sender.VISITOR.value})


def played(pages: list[Shown], *seconds: list[Event]) -> None:
    """Lets so many seconds pass, with these events in each."""

    async def play() -> None:
        counting = Newcomers(lambda: pages)
        counting.clock.cancel()
        for events in seconds:
            for event in events:
                counting.note(event)
            try:
                await counting.tell()
            except RuntimeError:
                continue

    asyncio.run(play())


def test_each_list_is_asked_once_however_many_pages_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    pages = [Shown("") for _ in range(20)] + [Shown("vip=yes"), Shown("sort=name")]
    played(pages, [wrote(at % 3) for at in range(50)])
    assert sorted(asked.asked) == [("", 3), ("vip=yes", 3)]
    assert [len(page.counted) for page in pages] == [3] * 21 + [0]


def test_a_thousand_a_second_are_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    pages = [Shown("")]
    played(pages, [wrote(at) for at in range(5_000)], [wrote(at) for at in range(5_000, 10_000)])
    assert asked.asked == [("", MOST_MOVED)], "a page that says 99+ asks for nobody else"
    assert len(pages[0].counted) == MOST_COUNTED


def test_lists_that_get_no_turn_are_asked_first_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch, seconds=newcomers.TURN_SECONDS)
    pages = [Shown("min_messages=1"), Shown("min_messages=2"), Shown("min_messages=3")]
    played(pages, [wrote(1)], [wrote(2)], [wrote(2)])
    assert {query for query, _ in asked.asked} == {page.listing.query for page in pages}
    assert [len(page.counted) for page in pages] == [people for _, people in sorted(asked.asked)]


def test_a_list_that_fails_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    pages = [Shown("q=broken"), Shown("")]
    played(pages, [wrote(1)], [])
    assert ("q=broken", 1) in asked.asked and pages[1].counted == {"person 1"}
    assert len(asked.asked) == 2


def test_who_moved_before_the_page_was_drawn_is_not_new(monkeypatch: pytest.MonkeyPatch) -> None:
    Asked(monkeypatch)
    earlier, later = Shown(""), Shown("")
    later.since = time.monotonic() + 1_000
    played([earlier, later], [wrote(1)])
    assert (earlier.counted, later.counted) == ({"person 1"}, set())


def test_the_pill_stops_at_99() -> None:
    from live.fragments import newcomers as drawn

    assert "99 new people" in drawn([str(at) for at in range(99)], "/users/")
    assert "99+ new people" in drawn([str(at) for at in range(100)], "/users/")
    assert "hidden" in drawn([], "/users/") and "hidden" not in drawn(["x"], "/users/")
