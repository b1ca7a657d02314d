"""A wrong parameter is named by its field, and the list is there all the same; nothing in an address breaks it."""

from __future__ import annotations

import base64
import re
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.filters import UserFilters
from search.orders import ORDERS
from tests.factories import make_person
from tests.search.pages import asked, errors, names, text_of
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ada() -> ChatUser:
    return make_person("Ada", "ada@site.example")


def cursor(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("q", "x" * 201),
        ("q", "x" * 10_000),
        ("q", "a\0b"),
        ("in", "xyz"),
        ("in", "any\0"),
        ("sort", "foo"),
        ("sort", "--name"),
        ("sort", "-"),
        ("sort", "name_folded"),
        ("has_email", "maybe"),
        ("kind", "robot"),
        ("active", "8"),
        ("dormant", "-7"),
        ("min_messages", "-1"),
        ("min_messages", "1.5"),
        ("min_messages", "9" * 30),
        ("min_messages", "٣x"),
        ("first_from", "2026-02-30"),
        ("first_to", "0001-01-01"),
        ("active_from", "yesterday"),
        ("active_to", "9999-12-31"),
        ("sent_from", "2026-1-1-1"),
        ("sent_to", "\0"),
        ("tag", "x" * 41),
        ("tag", "a\nb"),
        ("vip", "no"),
        ("held", "no"),
        ("online", "1"),
        ("repeat", "yes\0"),
        ("after", "garbage"),
        ("after", "%"),
        ("after", "é"),
        ("after", "x" * 6_001),
        ("after", cursor(b'["v",5,1]')),
        ("after", cursor(b'["t","9999-12-31T23:59:59-23:59",1]')),
        ("after", cursor(b'["n",null,' + b"[" * 3_000)),
        ("before", "garbage"),
        ("before", "\0"),
    ],
)
def test_it_is_named_and_left_out(parameter: str, value: str, support_client: Client) -> None:
    page = asked(support_client, **{parameter: value})
    assert errors(page) == {parameter}
    assert names(page) == ["Ada"]
    part = support_client.get("/users/", {parameter: value}, headers={"HX-Request": "true"})
    assert part.status_code == 200 and errors(part) == {parameter}
    assert part.headers["HX-Push-Url"] == "/users/"


def test_the_others_hold(support_client: Client) -> None:
    make_person("Bob")
    page = asked(support_client, q="ada", sort="foo", after="garbage")
    assert errors(page) == {"sort", "after"}
    assert names(page) == ["Ada"]


def test_what_was_typed_stays_in_the_box_and_is_marked(support_client: Client) -> None:
    page = text_of(asked(support_client, q='"<b>' + "x" * 300))
    box = re.search(r'<input type="search"[^>]*>', page.replace("&gt;", "›"))
    assert box and 'aria-invalid="true" aria-describedby="error-q"' in box[0]
    assert 'value="&quot;&lt;b›' in box[0]
    assert 'id="error-q"' in page
    assert "<b>x" not in page


def test_a_message_does_not_carry_markup(support_client: Client) -> None:
    page = asked(support_client, sort="<script>alert(1)</script>")
    assert errors(page) == {"sort"}
    assert "<script>alert" not in text_of(page)
    assert "<script>alert(1)</script>" in unescape(text_of(page))


def test_a_cursor_of_another_order_is_named(support_client: Client) -> None:
    ChatUser.objects.bulk_create(ChatUser(name=f"P{at}", message_count=0) for at in range(60))
    found = re.search(
        r'rel="next" href="/users/\?sort=messages&amp;after=([^"&]+)',
        text_of(asked(support_client, sort="messages")),
    )
    assert found
    assert errors(asked(support_client, sort="messages", after=found[1])) == set()
    for sort in ("last_active", "name"):
        assert errors(asked(support_client, sort=sort, after=found[1])) == {"after"}


def test_unknown_parameters_are_ignored(support_client: Client) -> None:
    page = asked(support_client, nonsense="1", vipp="yes", **{"<b>": "</b>"})
    assert errors(page) == set()
    assert names(page) == ["Ada"]
    assert "nonsense" not in text_of(page)


def test_of_a_repeated_parameter_the_last_counts(support_client: Client) -> None:
    make_person("Bob")
    page = support_client.get("/users/?q=ada&q=bob&sort=foo&sort=name")
    assert errors(page) == set() and names(page) == ["Bob"]


@pytest.mark.parametrize(
    "query",
    [
        "q=%ED%A0%80",
        "q=%FF%FE",
        "q=%",
        "q=%00",
        "q=%22",
        "q=%27%20OR%201=1--",
        "q=NEAR(a%20b)",
        "q=%5E%22name_folded%22",
        "q=%5C",
        "q=%01%02%03%1b",
        "q=%E2%80%AE%E2%80%8B",
        "q=%0A%0D%09",
        "q",
        "=",
        "&&&",
        ";;",
        "%3D%26",
        "in[]=any",
        "after=%ED%A0%80",
        "sort=%ED%A0%80",
    ],
)
def test_no_bytes_break_it(query: str, support_client: Client) -> None:
    response = support_client.get(f"/users/?{query}")
    assert response.status_code == 200
    assert "data-total=" in text_of(response)


TEXT = st.text(max_size=40) | st.text(
    st.sampled_from("\"'*^%_\\-:(){}ANDORNEAR \t\n\x00\x01\x7f\u200b\u202e🎉é"), max_size=12
)
PARAMETER = st.sampled_from(["q", "in", "sort", "after", "before", "view", *UserFilters.base_filters])
VALUE = (
    TEXT
    | st.sampled_from(
        [
            "any",
            "name",
            "email",
            "messages",
            "yes",
            "7",
            "2026-02-28",
            *ORDERS,
            *(f"-{name}" for name in ORDERS),
        ]
    )
    | st.binary(max_size=30).map(cursor)
    | st.from_regex(
        rb'\["[tvn]",("[^"\x00-\x1f]{0,30}"|null|-?[0-9]{1,20}),-?[0-9]{1,20}\]', fullmatch=True
    ).map(cursor)
)
FORMED = st.lists(st.tuples(PARAMETER, VALUE), max_size=5).map(
    lambda pairs: urlencode(pairs, errors="replace")
)
RAW = st.binary(max_size=60).map(quote) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=60
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(query=FORMED | RAW)
def test_no_query_string_breaks_it(query: str, support_client: Client) -> None:
    response = support_client.get(f"/users/?{query}")
    assert response.status_code == 200
    assert "data-total=" in text_of(response)
