"""What the pages of /live/ are told: each thing drawn once, bounded, and what a page missed."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event
from live import here
from live.here import MOST_CAME, MOST_SHOWN, Drawn
from live.queries import Where, rows_of_people
from staff.models import Account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from users.drawing import draw
from users.models import ChatUser

Open = Callable[..., Visitor]


class Shown:
    """A page of /live/, and what it was told."""

    def __init__(self, *users: str) -> None:
        self.users = set(users)
        self.told: list[str] = []

    def push(self, text: str) -> None:
        self.told.append(text)

    def takes_in(self, people: Iterable[str]) -> None:
        self.users.update(people)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """Whom the database is asked for: who came, and who moved. All of them are here."""
    asked = []

    async def draw_them(came: list[str], moved: list[str]) -> Drawn:
        asked.append((came, moved))
        return Drawn("".join(f"<{name}>" for name in came), {name: f"[{name}]" for name in moved})

    monkeypatch.setattr(here, "_drawn", draw_them)
    return asked


def came(name: str, *, online: bool = True) -> Event:
    return Event("presence.changed", name, {"online": online})


def moved(name: str, kind: str = "page") -> Event:
    return Event("event.recorded", name, {"id": 1, "kind": kind})


def tell(pages: list[Shown], *events: Event) -> None:
    asyncio.run(here.told(events, pages))


def test_each_is_drawn_once_however_many_pages_show_it(drawn: list[tuple[list[str], list[str]]]) -> None:
    pages = [Shown("ann") for _ in range(20)] + [Shown()]
    tell(pages, came("bob"), moved("ann"), moved("ann"), moved("cleo"), came("bob"))
    assert drawn == [(["bob"], ["ann"])]
    assert [page.told for page in pages] == [["<bob>[ann]"]] * 20 + [["<bob>"]]
    assert all("bob" in page.users for page in pages)


def test_who_is_erased_is_not_shown_and_who_is_said_to_be_gone_is_asked_for(
    drawn: list[tuple[list[str], list[str]]],
) -> None:
    page = Shown()
    # A goodbye may be told late, by another process: after they came back.
    tell([page], came("ann"), came("bob"), came("ann", online=False), Event("user.erased", "bob"))
    assert drawn == [(["ann"], [])]


@pytest.mark.parametrize(("kind", "is_told"), [("page", True), ("visit", True), ("widget_opened", False)])
def test_only_pages_move_somebody(kind: str, is_told: bool, drawn: list[tuple[list[str], list[str]]]) -> None:
    page = Shown("ann")
    tell([page], moved("ann", kind=kind))
    assert page.told == (["[ann]"] if is_told else [])


def test_of_a_thousand_the_last_are_shown_and_the_page_says_that_there_are_more(
    drawn: list[tuple[list[str], list[str]]],
) -> None:
    page = Shown()
    tell([page], *(came(f"p{at}") for at in range(1_000)))
    assert drawn == [([f"p{at}" for at in range(1_000 - MOST_CAME, 1_000)], [])]
    assert len(page.told) == 1 and 'data-slot="here-more"' in page.told[0] and " hidden>" not in page.told[0]
    tell([page], came("one"))
    assert "here-more" not in page.told[1]


def test_a_page_that_never_says_anew_what_it_shows_hears_of_so_many(
    drawn: list[tuple[list[str], list[str]]],
) -> None:
    page = Shown()
    for at in range(0, 2 * MOST_SHOWN, MOST_CAME):
        tell([page], *(came(f"p{at + each}") for each in range(MOST_CAME)))
    assert len(page.users) == MOST_SHOWN


def test_a_leaf_is_the_same_on_the_page_and_from_the_socket() -> None:
    name, where = str(uuid.uuid4()), Where('<b>"T"</b>', "https://site.example/a?b=1&c=2")
    sent = here.place(name, where)
    swap = f" hx-swap-oob=\"outerHTML:[data-user='{name}'] [data-slot='where']\""
    assert swap in sent and "hx-swap-oob" not in sent.replace(swap, "")
    assert sent.replace(swap, "") == draw("live/leaf/where.html", where=where)


@pytest.mark.django_db
def test_nobody_who_came_and_is_not_here_is_drawn() -> None:
    person = ChatUser.objects.create()
    person.visits.create(started_at=timezone.now())
    assert rows_of_people([str(person.uuid)]) == []


def test_the_page_hears_of_coming_moving_and_going(visit: Open, server: Server, support: Account) -> None:
    with StaffBrowser(server, support).live() as page:
        page.send("watch", users=[], live=True)
        page.expect("nav-online")
        tab = visit()
        tab.hello(page={"url": "http://site.example/a", "title": "A"})
        user = tab.user["id"]
        row = page.expect("data-arrivals")
        assert f'data-user="{user}"' in row and 'data-presence="online"' in row
        assert "site.example/a" in row and 'hx-swap-oob="outerHTML' not in row
        tab.send("page", url="http://site.example/b", title="B")
        leaf = page.expect('data-slot="where"')
        assert f"[data-user='{user}'] [data-slot='where']" in leaf and "site.example/b" in leaf
        tab.say("Hello?")
        assert "1 unread" in page.expect("unread")
        tab.close()
        assert 'data-presence="offline"' in page.expect("data-presence", seconds=15)


def test_a_page_that_does_not_show_who_is_here_hears_nothing_of_it(
    visit: Open, server: Server, support: Account
) -> None:
    with StaffBrowser(server, support).live() as page:
        page.watch()
        visit().hello()
        text = ""
        while "1 <span>online" not in text:
            text += page.expect("data-slot")
        assert "data-arrivals" not in text


def test_a_page_that_comes_back_gets_who_came_and_where_they_are(
    visit: Open, server: Server, support: Account
) -> None:
    known, fresh = visit(), visit()
    known.hello(page={"url": "http://site.example/a", "title": "A"})
    fresh.hello(page={"url": "http://site.example/b", "title": "B"})
    with StaffBrowser(server, support).live() as page:
        page.send("watch", users=[known.user["id"]], live=True)
        text = page.expect("data-arrivals")
        assert re.findall(r'<tr[^>]* data-user="([^"]+)"', text) == [fresh.user["id"]]
        assert f"[data-user='{known.user['id']}'] [data-slot='where']" in text
