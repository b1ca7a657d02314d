"""The filters of the user list: whom each lets through, the chips that take them away, the panel that holds them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_messages, make_person
from tests.search.pages import asked, chips, errors, link, names, text_of, total
from users import presence
from users.models import ChatUser, Tag, Tagging

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PART = {"HX-Request": "true"}
DAY = dt.timedelta(days=1)
MARCH = dt.datetime(2025, 3, 3, 12, tzinfo=dt.UTC)


def wear(person: ChatUser, *tags: str) -> None:
    for name in tags:
        tag, _ = Tag.objects.get_or_create(name=name, defaults={"name_folded": name.lower()})
        Tagging.objects.create(chat_user=person, tag=tag)


@pytest.fixture
def people() -> Iterator[None]:
    ada = make_person("Ada", "ada@site.example", is_vip=True, visit_count=2, last_active=NOW - DAY)
    make_messages(ada, *[("visitor", "My refund?")] * 12, start=MARCH)
    bob = make_person("Bob", visit_count=1, last_active=NOW - 20 * DAY)
    make_messages(bob, ("visitor", "A refund, please"), start=MARCH + 60 * DAY)
    make_person("", last_active=NOW - 60 * DAY, visit_count=1)
    make_person("Old", "old@site.example", last_active=NOW - 200 * DAY, visit_count=5, held_at=NOW - DAY)
    make_person("Never", external_id="n-1", last_active=None)
    wear(ada, "billing", "Gold")
    wear(bob, "billing")
    presence.arrive(ada.uuid, "tab")
    yield
    presence.discard(ada.uuid)


EVERYONE = {"Ada", "Bob", "", "Old", "Never"}
FILTERS = [
    ({"has_email": "yes"}, {"Ada", "Old"}, "Has e-mail"),
    ({"has_email": "no"}, {"Bob", "", "Never"}, "No e-mail"),
    ({"kind": "identified"}, EVERYONE - {""}, "Identified"),
    ({"kind": "anonymous"}, {""}, "Anonymous"),
    ({"held": "yes"}, {"Old"}, "Under a legal hold"),
    ({"active": "7"}, {"Ada"}, "Active in the last 7 days"),
    ({"active": "30"}, {"Ada", "Bob"}, "Active in the last 30 days"),
    ({"active": "90"}, {"Ada", "Bob", ""}, "Active in the last 90 days"),
    ({"dormant": "7"}, {"Bob", "", "Old"}, "Not seen for 7 days"),
    ({"dormant": "90"}, {"Old"}, "Not seen for 90 days"),
    ({"min_messages": "1"}, {"Ada", "Bob"}, "≥ 1 message"),
    ({"min_messages": "10"}, {"Ada"}, "≥ 10 messages"),
    ({"first_from": "2025-03-04"}, {"Bob"}, "First contact from 4 Mar 2025"),
    ({"first_from": "2025-03-03"}, {"Ada", "Bob"}, "First contact from 3 Mar 2025"),
    ({"first_to": "2025-03-03"}, {"Ada"}, "First contact until 3 Mar 2025"),
    ({"tag": "BILLING"}, {"Ada", "Bob"}, "Tag: billing"),
    ({"tag": "gold"}, {"Ada"}, "Tag: Gold"),
    ({"tag": "no such"}, set(), "Tag: no such"),
    ({"vip": "yes"}, {"Ada"}, "VIP"),
    ({"online": "yes"}, {"Ada"}, "Online now"),
    ({"repeat": "yes"}, {"Ada", "Old"}, "Repeat visitor"),
]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(("given", "found", "words"), FILTERS)
def test_a_filter_lets_its_people_through_and_its_chip_takes_it_away(
    given: dict[str, str], found: set[str], words: str, support_client: Client
) -> None:
    page = asked(support_client, **given)
    assert errors(page) == set()
    assert set(names(page)) == found and total(page) == str(len(found))
    assert chips(page, on=True) == {f"Remove filter {words} ✕": "/users/"}
    assert set(names(asked(support_client))) == EVERYONE


@pytest.mark.usefixtures("people")
def test_who_is_held_bears_a_mark(support_client: Client) -> None:
    page = text_of(asked(support_client))
    assert page.count('<span class="tag held"') == 1
    assert '<span class="tag held"' in text_of(asked(support_client, held="yes"))
    assert '<span class="tag held"' not in text_of(asked(support_client, vip="yes"))


@pytest.mark.usefixtures("people")
def test_days_of_activity_are_inclusive(support_client: Client) -> None:
    day = timezone.localdate(NOW - 20 * DAY)
    for given, found in (
        ({"active_from": day, "active_to": day}, {"Bob"}),
        ({"active_from": day + DAY}, {"Ada"}),
        ({"active_to": day - DAY}, {"", "Old"}),
    ):
        page = asked(support_client, **{name: value.isoformat() for name, value in given.items()})
        assert set(names(page)) == found


@pytest.mark.usefixtures("people")
def test_all_of_them_hold_together_with_words(support_client: Client) -> None:
    every = {
        "q": "refund",
        "in": "messages",
        "sent_from": "2025-03-03",
        "sent_to": "2025-03-03",
        "has_email": "yes",
        "kind": "identified",
        "active": "7",
        "min_messages": "10",
        "first_from": "2025-03-01",
        "first_to": "2025-03-31",
        "active_from": "2025-01-01",
        "active_to": (timezone.localdate() + DAY).isoformat(),
        "tag": ["billing", "gold"],
        "vip": "yes",
        "online": "yes",
        "repeat": "yes",
    }
    page = asked(support_client, **every)  # type: ignore[arg-type]
    assert errors(page) == set() and names(page) == ["Ada"]
    on = chips(page, on=True)
    assert len(on) == 15
    for words, address in on.items():
        fewer = support_client.get(address)
        assert names(fewer)[0] in ("Ada", "Bob"), words
        assert chips(fewer, on=True).keys() == on.keys() - {words}
    assert set(names(asked(support_client, q="refund", **{"in": "messages"}))) == {"Ada", "Bob"}
    for name, other in (("dormant", "7"), ("kind", "anonymous"), ("has_email", "no")):
        assert names(asked(support_client, **{**every, name: other})) == []  # type: ignore[arg-type]


@pytest.mark.usefixtures("people")
def test_of_several_tags_one_goes_at_a_time(support_client: Client) -> None:
    Tag.objects.filter(name="Gold").update(color="red")
    page = asked(support_client, tag=["billing", "GOLD", "none"], sort="name")  # type: ignore[arg-type]
    assert chips(page, on=True) == {
        "Remove filter Tag: billing ✕": "/users/?tag=GOLD&tag=none&sort=name",
        "Remove filter Tag: Gold ✕": "/users/?tag=billing&tag=none&sort=name",
        "Remove filter Tag: none ✕": "/users/?tag=billing&tag=GOLD&sort=name",
    }
    assert re.search(r'class="chip on tag-red" id="chip-tag-1"', text_of(page))
    assert "There is no tag “<bdi>none</bdi>”" in text_of(page)
    assert re.findall(r'<input type="checkbox" name="tag" value="([^"]+)"[^>]* checked>', text_of(page)) == [
        "billing",
        "GOLD",
        "none",
    ]


def test_what_is_usual_is_a_click_away_and_a_choice_takes_the_place_of_another(
    support_client: Client,
) -> None:
    offered = chips(asked(support_client, q="ada", active="30"), on=False)
    assert offered["Add filter Active in the last 7 days"] == "/users/?q=ada&active=7"
    assert offered["Add filter ≥ 10 messages"] == "/users/?q=ada&active=30&min_messages=10"
    assert offered["Add filter Online now"] == "/users/?q=ada&active=30&online=yes"
    assert "Add filter Active in the last 30 days" not in offered
    assert "Add filter ≥ 10 messages" not in chips(asked(support_client, min_messages="3"), on=False)


def test_all_go_at_once_where_there_are_several(support_client: Client) -> None:
    assert 'id="chip-clear"' not in text_of(asked(support_client, vip="yes"))
    page = text_of(asked(support_client, q="ada", vip="yes", online="yes", sort="name"))
    assert 'id="chip-clear" href="/users/?q=ada&amp;sort=name"' in page


@pytest.mark.usefixtures("people")
def test_the_address_is_the_state(support_client: Client) -> None:
    given = {"tag": "billing", "q": "", "in": "any", "sort": "name", "vip": "", "first_from": "2025-03-01"}
    whole = asked(support_client, **given)
    part = support_client.get("/users/", given, headers=PART)
    address = part.headers["HX-Push-Url"]
    assert address == "/users/?first_from=2025-03-01&tag=billing&sort=name"
    again = support_client.get(address)
    assert names(whole) == names(part) == names(again) == ["Ada", "Bob"]  # type: ignore[arg-type]
    assert chips(whole, on=True) == chips(part, on=True) == chips(again, on=True)  # type: ignore[arg-type]
    form = text_of(again)
    assert re.search(r'type="date" name="first_from" id="[^"]+" value="2025-03-01"', form)
    assert '<input type="hidden" name="sort" value="name">' in form
    for where in (r'id="bulk".*?name="query"', r'action="/exports/list/".*?name="query" id="export-query"'):
        assert re.search(
            where + r' value="first_from=2025-03-01&amp;tag=billing&amp;sort=name"', form, re.DOTALL
        )


def test_a_page_further_on_keeps_the_filters(support_client: Client) -> None:
    ChatUser.objects.bulk_create(ChatUser(name=f"P{at}", email="p@site.example") for at in range(60))
    ChatUser.objects.bulk_create(ChatUser(name=f"N{at}") for at in range(60))
    first = asked(support_client, has_email="yes", sort="name")
    second = support_client.get(link(first, "next") or "")
    seen = [*names(first), *names(second)]
    assert len(seen) == len(set(seen)) == 60 and all(name.startswith("P") for name in seen)


@pytest.mark.parametrize(
    ("name", "value", "box"),
    [
        ("active", "8", r'<option value="8" selected>8</option>'),
        ("kind", '"x', r'<option value="&quot;x" selected>&quot;x</option>'),
        ("min_messages", "ten", r'name="min_messages" id="[^"]+" value="ten"[^>]* aria-invalid="true"'),
        ("first_to", "2026-02-30", r'type="text" name="first_to" id="[^"]+" value="2026-02-30"'),
        ("sent_from", "x" * 900, rf'name="sent_from" id="[^"]+" value="{"x" * 200}"'),
        ("tag", "x" * 41, rf'name="tag" value="{"x" * 41}" checked'),
    ],
)
def test_what_cant_be_used_stays_in_its_field_with_the_reason_beside_it(
    name: str, value: str, box: str, support_client: Client
) -> None:
    page = text_of(asked(support_client, **{name: value, "vip": "yes"}))
    assert page.count("data-error=") == 1 and page.count(f'data-error="{name}"') == 1
    assert re.search(box, page)
    problem = re.search(rf'data-problem="{name}">([^<]*)</p>', page)
    assert problem and problem[1].strip()
    assert f'aria-describedby="error-{name}"' in page or name == "tag"
    assert re.search(r'id="filters" open>', page)
    assert "Remove filter </span><bdi>VIP</bdi>" in page


def test_the_panel_is_closed_where_nothing_is_wrong_with_it(support_client: Client) -> None:
    page = text_of(asked(support_client, vip="yes", sort="foo"))
    assert re.search(r'id="filters">', page)
    assert re.search(r'name="vip" value="yes" checked', page)
    assert re.search(r'id="filters-count"> <span class="badge">1</span>', page)


def test_of_thousands_of_tags_the_form_holds_few(support_client: Client) -> None:
    Tag.objects.bulk_create(Tag(name=f"t{at:05}", name_folded=f"t{at:05}") for at in range(3_000))
    page = text_of(asked(support_client))
    assert 0 < page.count('<option value="t0') <= 200
    assert 'data-suggest="/tags/suggest/"' in page


@pytest.mark.usefixtures("people")
def test_nobody_found_says_what_was_asked_and_how_to_ask_less(support_client: Client) -> None:
    page = asked(support_client, q="zzz", has_email="yes", **{"in": "name"})
    text = text_of(page)
    assert total(page) == "0" and "data-empty" in text
    assert "Nobody matches “<bdi>zzz</bdi>”" in text and "Asked for: <bdi>Has e-mail</bdi>" in text
    ways = dict(re.findall(r'<a class="btn" href="([^"]*)">(Look|Search|Filters|Show everyone)', text))
    assert set(ways) == {
        "/users/?q=zzz&amp;in=messages&amp;has_email=yes",
        "/users/?q=zzz&amp;has_email=yes",
        "/users/?q=zzz&amp;in=name",
        "/users/?has_email=yes",
        "/users/",
    }
