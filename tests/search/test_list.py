"""The user list as a page: who is on it, what each row says, how much it asks of the database."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation
from tests.factories import make_messages, make_person, make_visit
from tests.search.pages import asked, field, link, row, text_of, total, uuids
from users import presence
from users.models import ChatUser, Tag, Tagging

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PART = {"HX-Request": "true"}


@pytest.fixture
def online() -> Iterator[list[ChatUser]]:
    """Those put into it are forgotten by presence when the test is over."""
    people: list[ChatUser] = []
    yield people
    for person in people:
        presence.discard(person.uuid)


def tag(person: ChatUser, *names: str) -> None:
    for name in names:
        found, _ = Tag.objects.get_or_create(name=name, defaults={"name_folded": name.lower()})
        Tagging.objects.create(chat_user=person, tag=found)


def crowd(count: int) -> None:
    ChatUser.objects.bulk_create(
        ChatUser(name=f"P{at}", name_folded=f"p{at}", last_active=NOW - dt.timedelta(minutes=at))
        for at in range(count)
    )


def test_a_stranger_is_sent_to_sign_in(stranger: Client) -> None:
    assert stranger.get("/users/").headers["Location"] == "/login/?next=/users/"
    assert stranger.get("/").headers["Location"] == "/login/?next=/"


def test_the_front_page_is_the_list(support_client: Client) -> None:
    assert support_client.get("/").headers["Location"] == "/users/"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(method: str, support_client: Client) -> None:
    assert getattr(support_client, method)("/users/").status_code == 405


def test_a_row_says_what_the_contract_names(support_client: Client) -> None:
    person = make_person(
        "Mariam Okafor", "mariam@northpine.example", is_vip=True, browser="Chrome", os="Windows"
    )
    make_messages(
        person,
        ("visitor", "Hello?"),
        ("staff", "Hello!"),
        start=dt.datetime(2025, 3, 3, 9, 12, tzinfo=dt.UTC),
    )
    tag(person, "billing", "jp")
    html = row(asked(support_client), person)
    assert field(html, "name") == "Mariam Okafor"
    assert field(html, "email") == "mariam@northpine.example"
    assert field(html, "messages") == "2"
    assert field(html, "first_contact") == "3 Mar 2025"
    assert '<time datetime="2025-03-03T09:12:00Z"' in html
    assert field(html, "last_active") == "just now"
    assert field(html, "device") == "Chrome · Windows"
    assert field(html, "session") == ""
    assert re.findall(r'<span class="tag[^>]*>.*?<bdi>(.*?)</bdi>', html) == ["VIP", "billing", "jp"]
    assert 'data-presence="offline"' in html and 'data-typing="false"' in html
    assert "1 unread" in html
    assert f'href="/users/{person.uuid}/" data-row-link' in html


def test_somebody_unknown_has_a_short_id(support_client: Client) -> None:
    person = make_person(uuid="7f3a2c91-0000-4000-8000-000000000000", last_active=None)
    html = row(asked(support_client), ChatUser.objects.get(pk=person.pk))
    assert field(html, "name") == "Anonymous 7F3A-2C91"
    assert field(html, "email") == ""
    assert field(html, "first_contact") == field(html, "last_active") == field(html, "device") == "–"


def test_somebody_online_is_here_now_and_has_a_session(
    support_client: Client, online: list[ChatUser]
) -> None:
    here, away = make_person("Here"), make_person("Away")
    make_visit(here, started_at=timezone.now() - dt.timedelta(minutes=12, seconds=1))
    make_visit(away)
    online.append(here)
    # Whom an earlier test left at the same store would be counted, for a lease at most.
    for left in presence.all_online():
        presence.discard(left)
    presence.arrive(here.uuid, "tab")
    page = asked(support_client)
    html = row(page, here)
    assert 'data-presence="online"' in html
    assert field(html, "last_active") == "now"
    assert "data-since=" in html and field(html, "session") == "12 min"
    assert 'data-presence="offline"' in row(page, away) and "data-since=" not in row(page, away)
    assert re.search(r'data-slot="nav-online".*?1 <span>online', text_of(page), re.DOTALL)


def test_names_and_tags_are_text_whatever_they_hold(support_client: Client) -> None:
    person = make_person('<b>Bobby</b> & "Co"', "'><script>x</script>@x.example")
    tag(person, "<i>tag</i>")
    html = row(asked(support_client, q="<b>bobby"), person)
    assert "<b>" not in html and "<i>tag" not in html and "<script" not in html
    assert field(html, "name") == '<b>Bobby</b> & "Co"'


def test_many_tags_are_all_there_and_those_too_many_for_a_row_are_counted(support_client: Client) -> None:
    person = make_person("Ada", blocked_at=NOW, visit_count=2)
    tag(person, *(f"tag {at}" for at in range(5)))
    html = row(asked(support_client), person)
    assert len(re.findall(r'<span class="tag (?:blocked|repeat)?"[ >]', html)) == 7
    assert "4 more" in html


def test_the_erased_are_not_listed_nor_counted(support_client: Client) -> None:
    make_person("Here")
    make_messages(make_person("Gone", erased_at=NOW), ("visitor", "Hello?"))
    page = asked(support_client)
    assert len(uuids(page)) == 1 and total(page) == "1"
    assert "Gone" not in text_of(page) and "1 unread" not in text_of(page)


def test_fifty_a_page(support_client: Client) -> None:
    crowd(51)
    first = asked(support_client)
    assert len(uuids(first)) == 50
    assert total(first) == "51"
    assert link(first, "prev") is None
    second = support_client.get(link(first, "next") or "")
    assert len(uuids(second)) == 1
    assert total(second) == "51"
    assert link(second, "next") is None and link(second, "prev") is not None


@pytest.mark.parametrize(("count", "said"), [(1000, "1000"), (1001, "1000+")])
def test_the_total_is_exact_up_to_a_thousand(count: int, said: str, support_client: Client) -> None:
    crowd(count)
    assert total(asked(support_client)) == said
    page = asked(support_client, q="P")
    assert total(page) == said
    assert len(uuids(page)) == 50
    assert ("More than 1,000 people" in text_of(page)) == (count > 1000)


@pytest.mark.parametrize("query", [{}, {"q": "P"}, {"sort": "name"}])
def test_as_many_questions_to_the_database_for_one_as_for_fifty(
    query: dict[str, str], support_client: Client
) -> None:
    counts = []
    for people in (1, 50):
        ChatUser.objects.all().delete()
        crowd(people)
        for person in ChatUser.objects.all():
            make_visit(person)
            tag(person, "a", "b")
        # The first such search of a minute is a line of the audit log.
        asked(support_client, **query)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(uuids(asked(support_client, **query))) == people
        # What PostgreSQL is told around a limited read is no question.
        around = ("SAVEPOINT", "RELEASE", "SET LOCAL")
        counts.append(len([query for query in captured if not query["sql"].startswith(around)]))
    assert counts[0] == counts[1] <= 12


def test_for_htmx_only_the_part_that_changes(support_client: Client) -> None:
    make_person("Ada")
    make_person("Bob")
    whole = asked(support_client, q="Ada")
    part = support_client.get("/users/", {"q": "Ada", "in": "any", "sort": ""}, headers=PART)
    assert "<html" in text_of(whole) and "<html" not in text_of(part)
    assert uuids(part) == uuids(whole)
    assert total(part) == "1"
    assert 'class="side"' in text_of(whole) and 'class="side"' not in text_of(part)
    assert part.headers["HX-Push-Url"] == "/users/?q=Ada"
    assert "1 person" in text_of(part)
    for response in (whole, part):
        assert "HX-Request" in response.headers["Vary"]
        assert "no-store" in response.headers["Cache-Control"]


def test_every_list_says_which_one_it_is_and_leads_to_its_first_page(support_client: Client) -> None:
    crowd(51)
    first = asked(support_client)
    for page, state, address in (
        (first, "", "/users/"),
        (support_client.get(link(first, "next") or ""), "", "/users/"),
        (asked(support_client, q="P", sort="name"), "q=P&amp;sort=name", "/users/?q=P&amp;sort=name"),
        (asked(support_client, sort="foo", vip="yes"), "vip=yes", "/users/?vip=yes"),
    ):
        assert f' data-list="{state}"' in text_of(page)
        assert f'data-slot="newcomers" class="newcomers" href="{address}" hidden' in text_of(page)


def test_nobody_yet_tells_how_to_begin(support_client: Client, admin_client: Client) -> None:
    page = text_of(asked(admin_client))
    assert "Nobody has written yet" in page
    assert re.search(r'class="btn primary" href="/widget/"', page)
    page = text_of(asked(support_client))
    assert "Nobody has written yet" in page
    assert 'href="/widget/"' not in page


def test_no_match_says_so_and_leads_back(support_client: Client) -> None:
    make_person("Ada")
    page = asked(support_client, q="<zzz>")
    assert uuids(page) == [] and total(page) == "0"
    assert "Nobody matches “<bdi>&lt;zzz&gt;</bdi>”" in text_of(page)
    assert re.search(r'<a class="btn" href="/users/">Show everyone', text_of(page))


def test_a_page_that_everyone_has_left_leads_to_the_first(support_client: Client) -> None:
    crowd(51)
    older = link(asked(support_client), "next") or ""
    ChatUser.objects.order_by("last_active")[:1].get().delete()
    page = support_client.get(older)
    assert uuids(page) == []
    assert "Nobody is on this page any more" in text_of(page)
    assert '<a class="btn" href="/users/">To the first page' in text_of(page)


def test_the_navigation_counts_those_who_wait_and_shows_what_the_role_may(
    support_client: Client, admin_client: Client
) -> None:
    for at in range(3):
        make_messages(make_person(f"P{at}"), ("visitor", "Hello?"), ("visitor", "Anybody?"))
    admins, supports = text_of(asked(admin_client)), text_of(asked(support_client))
    for page in (admins, supports):
        assert re.search(
            r'<a href="/users/" aria-current="page">.*?<a href="/conversations/">.*?3 unread', page, re.DOTALL
        )
        assert 'action="/logout/"' in page
    assert '<a href="/widget/"' in admins and '<a href="/team/"' in admins
    assert '<a href="/widget/"' not in supports and '<a href="/team/"' not in supports


def test_the_navigation_stops_counting_at_a_thousand(support_client: Client) -> None:
    person = make_person("P")
    Conversation.objects.bulk_create(
        Conversation(chat_user=person, status="closed", closed_at=NOW, unread_count=1) for _ in range(1001)
    )
    assert "1,000+ unread" in text_of(asked(support_client))
