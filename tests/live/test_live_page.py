"""/live/: who is on it, in which order, what each row says, and how much it asks of the database."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import cast

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib import redis_store
from chatadmin.lib.leases import Leases, LocalLeases, RedisLeases
from conversations.models import ActivityEvent, EventKind
from live import queries
from tests.factories import make_messages, make_person, make_visit
from tests.lib.stores import nobody_listens
from tests.search.pages import errors, field, link, names, text_of, uuids
from users import presence
from users.models import ChatUser, Tag, Tagging, Visit

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Leases:
    """Nobody is here but whom the test lets come."""
    made = (
        RedisLeases(f"presence-{secrets.token_hex(8)}", presence.TERMS)
        if redis_store.configured()
        else LocalLeases(presence.TERMS)
    )
    monkeypatch.setattr(presence, "store", lambda: made)
    return made


def come(name: str = "", ago: dt.timedelta = MINUTE, *, is_here: bool = True, **fields: object) -> ChatUser:
    """Somebody with an open visit that began so long ago."""
    person = make_person(name, **fields)
    make_visit(
        person, started_at=timezone.now() - ago, landing_url="https://site.example/", landing_title="Home"
    )
    if is_here:
        presence.store().touch([(str(person.uuid), "tab")])
    return person


def look_at(
    person: ChatUser, url: str, title: str = "", kind: str = EventKind.PAGE, **fields: object
) -> None:
    """The person looks at a page."""
    visit = person.visits.get(ended_at=None)
    data = {"url": url, "title": title}
    ActivityEvent.objects.create(chat_user=person, visit=visit, kind=kind, **{"data": data, **fields})


def live(client: Client, **parameters: str) -> HttpResponse:
    response = client.get("/live/", parameters)
    assert response.status_code == 200
    return cast("HttpResponse", response)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(method: str, support_client: Client) -> None:
    assert getattr(support_client, method)("/live/").status_code == 405


def test_those_who_are_here_stand_newest_first(support_client: Client) -> None:
    come("Second", 2 * MINUTE)
    come("First", MINUTE)
    come("Third", 3 * MINUTE)
    come("Gone a moment ago", is_here=False)
    ended = come("Left")
    ended.visits.update(ended_at=timezone.now())
    erased = come("Erased")
    ChatUser.objects.filter(pk=erased.pk).update(erased_at=timezone.now())
    make_person("Never came")
    assert names(live(support_client)) == ["First", "Second", "Third"]


def test_a_row_says_where_since_when_and_who(support_client: Client) -> None:
    person = come("Mariam Okafor", 12 * MINUTE, email="mariam@northpine.example")
    ChatUser.objects.filter(pk=person.pk).update(
        is_vip=True,
        unread_count=2,
        message_count=3,
        first_contact=timezone.now(),
        browser="Firefox",
        os="Linux",
    )
    Tagging.objects.create(
        chat_user=person, tag=Tag.objects.create(name="wholesale", name_folded="wholesale")
    )
    look_at(person, "https://site.example/", "Home", EventKind.FIRST_VISIT)
    look_at(person, "https://site.example/checkout", "Checkout")
    look_at(person, "", kind=EventKind.WIDGET_OPENED, data={})
    html = row_of(live(support_client), person)
    assert field(html, "where") == "Checkout site.example/checkout"
    assert 'href="https://site.example/checkout"' in html and 'rel="nofollow noopener noreferrer"' in html
    assert 'data-presence="online"' in html
    assert field(html, "session") == "12 min" and re.search(r'data-since="[^"]+Z"', html)
    assert field(html, "device") == "Firefox · Linux"
    assert "VIP" in html and "wholesale" in html and "2 unread" in html
    started = person.visits.get().started_at
    assert f'data-started="{started.isoformat(timespec="microseconds")}"' in html
    assert f'<time datetime="{started:%Y-%m-%dT%H:%M:%S}Z" data-format="clock"' in html


def row_of(response: HttpResponse, person: ChatUser) -> str:
    found = re.search(rf'<tr[^>]* data-user="{person.uuid}".*?</tr>', text_of(response), re.DOTALL)
    assert found
    return found[0]


def test_where_is_the_page_of_this_visit(support_client: Client) -> None:
    person = come("Ada")
    look_at(person, "https://site.example/yesterday", at=timezone.now() - dt.timedelta(days=1))
    assert field(row_of(live(support_client), person), "where") == "–"
    look_at(person, "https://site.example/?b=1", at=timezone.now() - dt.timedelta(seconds=20))
    look_at(person, "https://site.example/a/", at=timezone.now() - dt.timedelta(seconds=30))
    assert field(row_of(live(support_client), person), "where") == "site.example/?b=1"


@pytest.mark.parametrize(
    ("data", "said", "href"),
    [
        ({"url": "javascript:alert(1)", "title": ""}, "javascript:alert(1)", False),
        ({"url": "https://x.example/\u202e", "title": "<b>T</b>"}, "<b>T</b> x.example/\u202e", False),
        ({"url": 7, "title": ["x"]}, "–", False),
        ("nonsense", "–", False),
        ({"url": "http://x.example/?a=1&b=\"'", "title": ""}, "x.example/?a=1&b=\"'", False),
        ({"url": "http://x.example/?a=1&b=2", "title": ""}, "x.example/?a=1&b=2", True),
    ],
)
def test_a_page_s_address_is_a_stranger_s_word(
    data: object, said: str, href: bool, support_client: Client
) -> None:
    person = come("Ada")
    look_at(person, "", data=data)
    html = row_of(live(support_client), person)
    assert field(html, "where") == said
    assert ('target="_blank"' in html) is href and "<b>T" not in html


def test_a_long_session_names_its_day(support_client: Client) -> None:
    person = come("Ada", dt.timedelta(hours=30))
    assert 'data-format="datetime"' in row_of(live(support_client), person)
    assert field(row_of(live(support_client), person), "session") == "1 d 6 h"


def test_pages_follow_each_other_both_ways(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_PEOPLE", 3)
    monkeypatch.setattr(queries, "STEP", 4)
    for at in range(8):
        come(str(at), MINUTE * at)
        come(f"gone {at}", MINUTE * at, is_here=False)
    first = live(support_client)
    assert names(first) == ["0", "1", "2"] and link(first, "prev") is None
    second = support_client.get(link(first, "next"))
    assert names(second) == ["3", "4", "5"]
    third = support_client.get(link(second, "next"))
    assert names(third) == ["6", "7"] and 'rel="next" hidden' in text_of(third)
    back = support_client.get(link(third, "prev"))
    assert names(back) == ["3", "4", "5"]
    assert names(support_client.get(link(back, "prev"))) == ["0", "1", "2"]


def test_visits_of_one_moment_are_all_met(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_PEOPLE", 2)
    for at in range(5):
        come(str(at))
    now = timezone.now()
    Visit.objects.update(started_at=now, last_seen_at=now)
    met: list[str] = []
    address: str | None = "/live/"
    while address:
        page = support_client.get(address)
        met += names(page)
        address = link(page, "next")
    assert met == ["4", "3", "2", "1", "0"]


def test_a_page_is_a_hundred(support_client: Client) -> None:
    for at in range(101):
        come(str(at), MINUTE * at)
    page = live(support_client)
    assert len(uuids(page)) == 100 and link(page, "next")
    assert names(support_client.get(link(page, "next"))) == ["100"]


def test_however_many_are_here_it_asks_as_often(support_client: Client) -> None:
    counts = []
    for _ in range(2):
        for at in range(20):
            person = come(f"Crowd {at}")
            look_at(person, "https://site.example/")
        live(support_client)
        with CaptureQueriesContext(connection) as captured:
            shown = uuids(live(support_client))
        assert len(shown) == ChatUser.objects.count()
        counts.append(len(captured))
    # The session, the account, the navigation's count, and five of its own.
    assert counts[0] == counts[1] <= 8


def test_after_a_crash_it_stops_and_goes_on(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "STEP", 2)
    monkeypatch.setattr(queries, "MOST_STEPS", 2)
    for at in range(5):
        come(f"gone {at}", MINUTE * at, is_here=False)
    come("Here", 9 * MINUTE)
    page = live(support_client)
    assert 'data-partial="true"' in text_of(page) and "Nobody found so far" in text_of(page)
    go_on = re.search(r'<a href="(/live/\?after=[^"]+)">Go on from here', text_of(page))
    assert go_on
    rest = support_client.get(go_on[1])
    assert names(rest) == ["Here"] and "data-partial" not in text_of(rest)


def test_nobody_is_said_and_what_to_do(support_client: Client, admin_client: Client) -> None:
    page = text_of(live(support_client))
    assert "Nobody is on the site right now" in page and 'href="/widget/">Get the script tag' not in page
    assert 'href="/widget/">Get the script tag' in text_of(live(admin_client))


def test_a_page_that_everybody_left_leads_to_the_first(support_client: Client) -> None:
    person = come("Ada")
    cursor = queries.ORDER.cursor(person.visits.get()).encode()
    page = live(support_client, after=cursor)
    assert uuids(page) == [] and "Nobody is on this page any more" in text_of(page)


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("cursor", ["x", "é", "WyJ2IiwiYSIsMV0", "0" * 300, "\x00"])
def test_a_bad_cursor_shows_the_newest_and_says_so(name: str, cursor: str, support_client: Client) -> None:
    come("Ada")
    page = live(support_client, **{name: cursor})
    assert names(page) == ["Ada"] and errors(page) == {name}


def test_where_nobody_knows_who_is_here_it_says_so(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    come("Ada")
    monkeypatch.setattr(redis_store, "client", nobody_listens)
    away = RedisLeases("away", presence.TERMS)
    monkeypatch.setattr(presence, "store", lambda: away)
    page = live(support_client)
    assert uuids(page) == [] and "Who is here isn't known right now" in text_of(page).replace("&#x27;", "'")


def test_the_navigation_leads_here_with_how_many(support_client: Client) -> None:
    come("Ada")
    page = text_of(live(support_client))
    entry = re.search(r'<a href="/live/" aria-current="page">.*?</a>', page, re.DOTALL)
    assert entry and re.search(r"1 <span>online", entry[0])
    assert 'href="/live/"' in text_of(support_client.get("/users/"))
    assert "no-store" in live(support_client).headers["Cache-Control"]


def test_the_title_counts_the_unread_conversations(support_client: Client) -> None:
    assert "<title>Live · chatadmin</title>" in text_of(live(support_client))
    for name in ("Ada", "Bob"):
        make_messages(make_person(name), ("visitor", "Hello?"), ("visitor", "Anybody?"))
    assert "<title>(2) Live · chatadmin</title>" in text_of(live(support_client))


def test_the_walk_is_along_its_index() -> None:
    keys = queries._open().order_by("-started_at", "-pk").values_list("pk", "started_at", "chat_user__uuid")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = keys[: queries.STEP + 1].explain()
    assert "visit_here" in plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan
