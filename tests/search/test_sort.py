"""Every sort order, both ways; those without the value come last either way."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from django.test import Client

from tests.factories import make_person
from tests.search.pages import asked, names, text_of

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def people() -> None:
    day = dt.timedelta(days=1)
    make_person("éva", last_active=T, first_contact=T + 2 * day, message_count=5)
    make_person("Bob", last_active=T + 2 * day, first_contact=T, message_count=50)
    make_person("adam", last_active=T + day, first_contact=T + day, message_count=50)
    make_person("", last_active=None, message_count=0)
    make_person("Ärmel", last_active=None, message_count=0)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["Bob", "adam", "éva", "Ärmel", ""]),
        ("last_active", ["Bob", "adam", "éva", "Ärmel", ""]),
        ("-last_active", ["éva", "adam", "Bob", "", "Ärmel"]),
        ("first_contact", ["éva", "adam", "Bob", "Ärmel", ""]),
        ("-first_contact", ["Bob", "adam", "éva", "", "Ärmel"]),
        ("messages", ["adam", "Bob", "éva", "Ärmel", ""]),
        ("-messages", ["", "Ärmel", "éva", "Bob", "adam"]),
        ("name", ["adam", "Ärmel", "Bob", "éva", ""]),
        ("-name", ["éva", "Bob", "Ärmel", "adam", ""]),
    ],
)
def test_the_order(sort: str, expected: list[str], support_client: Client) -> None:
    page = asked(support_client, sort=sort)
    assert names(page) == expected
    assert names(asked(support_client, sort=sort, q=" ")) == expected


@pytest.mark.parametrize(
    ("sort", "label", "way", "turned"),
    [
        ("", "Last active", "descending", "-last_active"),
        ("-last_active", "Last active", "ascending", ""),
        ("first_contact", "First contact", "descending", "-first_contact"),
        ("messages", "Messages", "descending", "-messages"),
        ("-messages", "Messages", "ascending", "messages"),
        ("name", "User", "ascending", "-name"),
        ("-name", "User", "descending", "name"),
    ],
)
def test_the_heading_says_the_order_and_turns_it(
    sort: str, label: str, way: str, turned: str, support_client: Client
) -> None:
    page = text_of(asked(support_client, sort=sort))
    found = re.findall(r'aria-sort="(\w+)"><a href="([^"]+)">(.*?)<span', page)
    address = f"/users/?sort={turned}" if turned else "/users/"
    assert [(said, unescape(href), text) for said, href, text in found] == [(way, address, label)]


def test_sorting_keeps_the_search_and_leaves_the_page(support_client: Client) -> None:
    page = text_of(
        asked(support_client, q="a&b", sort="messages", after="bogus", unknown="x", **{"in": "name"})
    )
    addresses = [unescape(href) for href in re.findall(r'<th scope="col"[^>]*><a href="([^"]+)"', page)]
    assert addresses == []  # nobody matches, so there is no table
    page = text_of(
        asked(support_client, q="a", sort="messages", after="bogus", unknown="x", **{"in": "name"})
    )
    addresses = [unescape(href) for href in re.findall(r'<th scope="col"[^>]*><a href="([^"]+)"', page)]
    assert addresses == [
        "/users/?q=a&in=name&sort=name",
        "/users/?q=a&in=name&sort=-messages",
        "/users/?q=a&in=name&sort=first_contact",
        "/users/?q=a&in=name",
    ]


def test_searching_keeps_the_order(support_client: Client) -> None:
    assert '<input type="hidden" name="sort" value="-name">' in text_of(asked(support_client, sort="-name"))
    assert 'name="sort"' not in text_of(asked(support_client))
