"""A page that didn't wait for its total asks for it once it is there."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from search import messages, queries
from tests.factories import make_messages, make_person
from tests.search.pages import asked, text_of, total

pytestmark = pytest.mark.django_db
COUNTS = re.compile(r'id="showing" hx-get="([^"]+)" hx-vals=\'(\{"shown": \d+\})\'')


@pytest.fixture
def kettles() -> None:
    for at in range(5):
        make_messages(
            make_person(f"P{at}", "kettle@site.example" if at < 3 else ""), ("visitor", "my kettle")
        )
    make_messages(make_person("Other", "other@site.example"), ("visitor", "my lamp"))


@pytest.fixture
def hurried(kettles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation so large that nothing is counted along the way."""
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    monkeypatch.setattr(queries, "SMALL_BUDGET_SECONDS", 0.9)
    monkeypatch.setattr(messages, "COUNT_SECONDS", 0)


@pytest.mark.parametrize(
    ("narrow", "people"), [({}, "5"), ({"has_email": "yes"}, "3"), ({"has_email": "no"}, "2")]
)
def test_what_was_not_counted_at_once_is_counted_later(
    hurried: None, support_client: Client, narrow: dict[str, str], people: str
) -> None:
    page = asked(support_client, q="kettle", **{"in": "messages"}, **narrow)
    if people == "2":
        assert total(page) == "2" and not COUNTS.search(text_of(page))
        return
    assert total(page) == "2+"
    later = COUNTS.search(text_of(page))
    assert later and later[2] == '{"shown": 2}'
    counted = support_client.get(f"{unescape(later[1])}&shown=2")
    assert counted.status_code == 200
    assert f'data-counted="{people}"' in text_of(counted) and f"Showing 2 of {people}" in text_of(counted)
    assert f"{people} people said this" in text_of(counted)
    assert "no-store" in counted["Cache-Control"]


def test_a_page_that_knows_its_total_asks_for_nothing(kettles: None, support_client: Client) -> None:
    page = asked(support_client, q="kettle", **{"in": "messages"})
    assert total(page) == "5" and "/users/count/" not in text_of(page)


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ({"q": "kettle", "in": "messages"}, "5"),
        ({"q": "kettle"}, "5"),
        ({"q": "kettle", "in": "email"}, "3"),
        ({"has_email": "yes"}, "4"),
        ({}, "6"),
        ({"q": "nobody said this", "in": "messages"}, "0"),
        ({"q": "kettle", "sent_from": "2026-02-31"}, "5"),
    ],
)
def test_the_total_of_any_list(
    kettles: None, support_client: Client, query: dict[str, str], people: str
) -> None:
    counted = support_client.get("/users/count/", {**query, "shown": 0})
    assert f'data-counted="{people}"' in text_of(counted)


def test_past_a_thousand_it_is_a_thousand(
    kettles: None, support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("search.totals", "search.queries"):
        monkeypatch.setattr(f"{module}.COUNTED", 3)
    counted = support_client.get("/users/count/", {"q": "kettle", "in": "messages", "shown": 1})
    assert 'data-counted="3+"' in text_of(counted) and "More than 3 people" in text_of(counted)


@pytest.mark.parametrize("shown", ["", "x", "-1", "1000000"])
def test_how_many_are_shown_is_a_number(support_client: Client, shown: str) -> None:
    assert support_client.get("/users/count/", {"shown": shown}).status_code == 404


def test_for_staff_only(client: Client) -> None:
    assert client.get("/users/count/", {"shown": 1}).status_code == 302
