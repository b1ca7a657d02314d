"""Message search as a page: the line by which somebody was found, where it leads, the order, and what comes in parts."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from django.test import Client

from search import list_page, stepping, views
from search.filters import UserFilters
from search.queries import Found
from tests.factories import make_messages, make_person
from tests.search.pages import asked, errors, names, row, text_of, total, uuids
from users.models import ChatUser

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 3, 9, 12, tzinfo=dt.UTC)
PART = {"HX-Request": "true"}
MESSAGES = {"in": "messages"}


@pytest.fixture
def ada() -> ChatUser:
    ada = make_person("Ada", "ada@site.example")
    make_messages(ada, ("visitor", "Hello"), ("visitor", "My <b>refund</b> & co"), start=START)
    return ada


def test_a_row_shows_the_line_that_leads_to_its_place(ada: ChatUser, support_client: Client) -> None:
    message = ada.messages.get(body__contains="refund")
    html = row(asked(support_client, q="refund", **MESSAGES), ada)
    snippet = re.search(r'<a class="snip"[^>]*>.*?</a>', html, re.DOTALL)
    assert snippet
    assert f'href="/users/{ada.uuid}/conversations/?at={message.pk}"' in snippet[0]
    assert "“My &lt;b&gt;<mark>refund</mark>&lt;/b&gt; &amp; co”" in snippet[0]
    assert 'data-said="visitor"' in snippet[0] and "Visitor said:" in snippet[0]
    assert '<time datetime="2026-03-03T09:13:00Z"' in snippet[0]
    assert '<bdi class="snip-line">' in snippet[0]
    history = text_of(support_client.get(f"/users/{ada.uuid}/conversations/?at={message.pk}"))
    assert re.search(rf'class="message found" id="m{message.pk}"', history)


def test_what_staff_said_is_said_to_be_theirs(support_client: Client) -> None:
    bob = make_person("Bob")
    make_messages(bob, ("visitor", "Where is it?"), ("staff", "The refund is on its way"))
    html = row(asked(support_client, q="refund", **MESSAGES), bob)
    assert 'data-said="staff"' in html and ">Staff:</span>" in html


def test_without_words_in_messages_nobody_has_a_line(ada: ChatUser, support_client: Client) -> None:
    for query in ({}, {"q": "ada"}, {"q": "ada", "in": "name"}, MESSAGES):
        page = asked(support_client, **query)
        assert names(page) == ["Ada"] and 'class="snip"' not in text_of(page)


def test_the_newest_match_comes_first_and_people_are_counted(ada: ChatUser, support_client: Client) -> None:
    for at, name in enumerate(("Bob", "Cyd")):
        make_messages(make_person(name), ("visitor", f"refund {at}"), start=START + dt.timedelta(days=at + 1))
    make_messages(make_person("Dan"), ("visitor", "nothing of it"))
    page = asked(support_client, q="refund", **MESSAGES)
    assert names(page) == ["Cyd", "Bob", "Ada"] and total(page) == "3"
    assert "3 people said this" in text_of(page)
    assert "1 person said this" in text_of(asked(support_client, q="nothing", **MESSAGES))


@pytest.mark.parametrize("sort", ["name", "-name", "last_active", "messages", "foo"])
def test_a_search_in_messages_is_sorted_by_nothing_else(
    sort: str, ada: ChatUser, support_client: Client
) -> None:
    page = asked(support_client, q="refund", sort=sort, **MESSAGES)
    assert errors(page) == {"sort"} and text_of(page).count("data-error=") == 1
    assert names(page) == ["Ada"]
    head = re.search(r"<thead.*?</thead>", text_of(page), re.DOTALL)
    assert head and "<a " not in head[0] and "aria-sort" not in head[0]
    assert errors(asked(support_client, sort="name", **MESSAGES)) == set()
    assert errors(asked(support_client, q="refund", sort="name")) == set()


def test_names_come_before_what_was_said(ada: ChatUser, support_client: Client) -> None:
    make_person("Refund Department", last_active=None)
    page = asked(support_client, q="refund")
    assert names(page) == ["Refund Department", "Ada"] and total(page) == "2"
    assert text_of(page).count('class="snip"') == 1
    assert "2 people" in text_of(page) and "said this" not in text_of(page)


def test_nobody_said_it(ada: ChatUser, support_client: Client) -> None:
    page = text_of(asked(support_client, q="<zebra>", sent_to="2026-01-01", vip="yes", **MESSAGES))
    assert "Nobody said “<bdi>&lt;zebra&gt;</bdi>”" in page
    ways = [unescape(address) for address in re.findall(r'<a class="btn" href="(/users/[^"]*)">', page)]
    assert {
        "/users/?q=%3Czebra%3E&sent_to=2026-01-01&vip=yes",
        "/users/?q=%3Czebra%3E&in=messages&vip=yes",
        "/users/?q=%3Czebra%3E&in=messages",
        "/users/?vip=yes",
        "/users/",
    } <= set(ways)


# -- what comes in parts


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    """What the search finds, part by part: the first one first."""
    found: list[Found] = []
    monkeypatch.setattr(views, "find", lambda filters: found.pop(0))
    return found


def test_a_page_whose_time_ran_out_says_so_and_goes_on(
    ada: ChatUser, parts: list[Found], support_client: Client
) -> None:
    parts.append(Found([ada], go_on=("after", "m90_40"), total=1, and_more=True))
    page = asked(support_client, q="refund", **MESSAGES)
    text = text_of(page)
    assert total(page) == "1+" and 'data-partial="true"' in text
    assert "1 person so far" in text and "Not all of history was looked through yet" in text
    on = "/users/?q=refund&amp;in=messages&amp;after=m90_40"
    assert f'<a href="{on}">Go on from here</a>' in text
    assert f'hx-get="{on}" hx-vals=\'{{"step": 1, "shown": 1}}\' hx-trigger="load"' in text


def test_a_step_adds_its_people_and_ends_with_the_truth(
    ada: ChatUser, parts: list[Found], support_client: Client
) -> None:
    bob = make_person("Bob")
    parts.append(Found([bob], total=1, before="m90_40"))
    asked_for = {"q": "refund", "after": "m90_40", "step": "2", "shown": "1", **MESSAGES}
    part = support_client.get("/users/", asked_for, headers=PART)
    text = text_of(part)
    assert part.status_code == 200 and "HX-Push-Url" not in part.headers
    assert '<tbody hx-swap-oob="beforeend:#people">' in text and uuids(part) == [str(bob.uuid)]  # type: ignore[arg-type]
    assert 'data-so-far="2"' in text and "2 people said this" in text
    assert "data-stopped" not in text and "hx-get" not in text and 'rel="prev"' not in text


def test_a_step_that_finds_the_first_people_brings_the_table(
    ada: ChatUser, parts: list[Found], support_client: Client
) -> None:
    parts += [Found([], go_on=("after", "m90_40"), and_more=True), Found([ada], total=1), Found([], total=0)]
    first = asked(support_client, q="refund", **MESSAGES)
    assert "Nobody found so far" in text_of(first) and total(first) == "0+"
    step = {"q": "refund", "after": "m90_40", "step": "1", "shown": "0", **MESSAGES}
    table = text_of(support_client.get("/users/", step, headers=PART))
    assert 'hx-swap-oob="innerHTML:#list-body"' in table and "<table" in table
    nobody = text_of(support_client.get("/users/", step, headers=PART))
    assert "Nobody said “<bdi>refund</bdi>”" in nobody and 'data-so-far="0"' in nobody


def test_it_stops_by_itself_after_a_while_or_a_page(
    ada: ChatUser, parts: list[Found], support_client: Client
) -> None:
    for step, shown in ((stepping.STEPS, 3), (2, 49)):
        parts.append(Found([ada], go_on=("after", "m90_40"), total=1, and_more=True))
        given = {"q": "refund", "after": "m90_50", "step": str(step), "shown": str(shown), **MESSAGES}
        text = text_of(support_client.get("/users/", given, headers=PART))
        assert "Go on from here" in text and "hx-get" not in text and "data-stopped" in text
    parts.append(Found([ada], go_on=("after", "m90_40"), total=1, and_more=True))
    further = asked(support_client, q="refund", after="m90_50", **MESSAGES)
    assert "Go on from here" in text_of(further) and 'hx-trigger="load"' not in text_of(further)


@pytest.mark.parametrize(
    "step", [{"step": "x"}, {"step": "1"}, {"step": "99", "shown": "1"}, {"step": "1", "shown": "-1"}]
)
def test_a_step_that_makes_no_sense_is_a_list_like_any_other(
    step: dict[str, str], ada: ChatUser, support_client: Client
) -> None:
    part = support_client.get("/users/", {"q": "refund", **MESSAGES, **step}, headers=PART)
    assert total(part) == "1" and part.headers["HX-Push-Url"] == "/users/?q=refund&in=messages"  # type: ignore[arg-type]


def test_headings_lead_nowhere_only_where_they_would_be_refused() -> None:
    for query, is_by_message in (
        ({}, False),
        (MESSAGES, False),
        ({"q": "a", **MESSAGES}, True),
        ({"q": "a"}, False),
    ):
        assert list_page.by_message(UserFilters(query)) is is_by_message
