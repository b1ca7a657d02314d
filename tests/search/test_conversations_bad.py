"""A wrong parameter of the conversation list is named by its field; nothing in an address breaks the page."""

from __future__ import annotations

import base64
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.search.pages import errors, text_of
from tests.search.talks import PART, ids, make_talk, talks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def talk() -> Conversation:
    return make_talk(None, ("visitor", "Hello"))


def cursor(raw: bytes) -> str:
    return "r" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("q", "x" * 201),
        ("q", "a\0b"),
        ("in", "xyz"),
        ("status", "foo"),
        ("status", "open\0"),
        ("unread", "no"),
        ("turn", "bot"),
        ("sent_from", "2026-02-31"),
        ("sent_to", "0001-01-01"),
        ("sent_to", "yesterday"),
        ("after", "garbage"),
        ("after", "u"),
        ("after", "é"),
        ("after", "m1_0"),
        ("after", "x" * 6_001),
        ("after", cursor(b'["v",5,1]')),
        ("after", cursor(b'["n",null,1]')),
        ("after", cursor(b'["t","9999-12-31T23:59:59-23:59",1]')),
        ("before", "r\0"),
    ],
)
def test_it_is_named_and_left_out(
    parameter: str, value: str, talk: Conversation, support_client: Client
) -> None:
    page = talks(support_client, **{parameter: value})
    assert errors(page) == {parameter}
    assert ids(page) == [talk.pk]
    part = support_client.get("/conversations/", {parameter: value}, headers=PART)
    assert part.status_code == 200 and errors(part) == {parameter}
    assert part.headers["HX-Push-Url"] == "/conversations/"


def test_too_many_words_are_named(talk: Conversation, support_client: Client) -> None:
    page = talks(support_client, q=" ".join(f"{at:x}" for at in range(60)))
    assert errors(page) == {"q"} and ids(page) == [talk.pk]


def test_a_cursor_belongs_to_its_search(support_client: Client) -> None:
    for parameters in ({"after": "m5_1"}, {"q": "hello", "in": "name", "after": "m5_1"}):
        assert errors(talks(support_client, **parameters)) == {"after"}
    named = cursor(b'["t","2026-11-01T12:00:00+00:00",1]')
    assert errors(talks(support_client, after=named)) == set()
    for place, wrong in (("any", set()), ("messages", {"after"})):
        assert errors(talks(support_client, q="hello", after=named, **{"in": place})) == wrong
        assert errors(talks(support_client, q="hello", after="m5_1", **{"in": place})) == set()


def test_what_was_typed_stays_and_carries_no_markup(support_client: Client) -> None:
    page = text_of(talks(support_client, q='"<b>' + "x" * 300, status="<script>alert(1)</script>"))
    assert 'value="&quot;&lt;b&gt;' in page and 'aria-describedby="error-q"' in page
    assert "<b>x" not in page and "<script>alert" not in page
    assert "<script>alert(1)</script>" in unescape(page)


PARAMETER = st.sampled_from(
    ["q", "in", "status", "unread", "turn", "sent_from", "sent_to", "after", "before", "nonsense"]
)
VALUE = (
    st.text(max_size=40)
    | st.text(st.sampled_from("\"'*^%_\\-:(){}ANDORNEAR \t\n\x00\x7f\u200b\u202e🎉é"), max_size=12)
    | st.sampled_from(["any", "messages", "open", "yes", "staff", "2026-11-01", "0001-01-01", "9999-12-31"])
    | st.from_regex(
        rb'\["[tvn]",("[^"\x00-\x1f]{0,30}"|null|-?[0-9]{1,20}),-?[0-9]{1,20}\]', fullmatch=True
    ).map(cursor)
    | st.from_regex(r"m-?[0-9]{1,20}_-?[0-9]{1,20}", fullmatch=True)
)
FORMED = st.lists(st.tuples(PARAMETER, VALUE), max_size=6).map(
    lambda pairs: urlencode(pairs, errors="replace")
)
RAW = st.binary(max_size=60).map(quote)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(query=FORMED | RAW)
def test_no_query_string_breaks_it(query: str, support_client: Client) -> None:
    response = support_client.get(f"/conversations/?{query}")
    assert response.status_code == 200
    assert "data-total=" in text_of(response)
