"""No query string breaks the list: whatever it holds, the answer is a page."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.filters import ListForm, UserFilters
from tests.factories import make_messages, make_person
from tests.search.pages import asked, errors, names

pytestmark = pytest.mark.django_db
SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PARAMETERS = [*UserFilters.base_filters, *ListForm.base_fields, "view", "nonsense"]
VALUES = [
    "yes", "no", "7", "30", "0", "-1", "1e3", "NaN", "99999999999999999999", "2026-02-31", "2026-02-28", "0001-01-01",
    "9999-12-31", "10000-01-01", "२०२६-०१-०१", "any", "name", "email", "messages", "identified", "anonymous", "billing",
    "a\0b", "%", "_", "\\", "'", '"', '"a', "' OR 1=1 --", "a & b | !c", "a:*", "<->", "NEAR(a b)", "a AND OR NOT",
    "^a", "{x}: y", "\u202erefund", "\u200f", "x" * 10_000, "w " * 500, "退", "退款", "🎉", "m5_3", "m3_5", "m-1_-1",
    "m99999999999999999999_1", "WyJuIixudWxsLDFd", "last_active", "-name", "--name",
]  # fmt: skip


@pytest.fixture(autouse=True)
def ada() -> None:
    make_messages(make_person("Ada", "ada@site.example"), ("visitor", "a refund for order 12-345, 退款 🎉"))


@SLOW
@given(
    parameters=st.lists(
        st.tuples(
            st.sampled_from(PARAMETERS),
            st.sampled_from(VALUES) | st.text(st.characters(codec="utf-8"), max_size=30),
        ),
        max_size=8,
    )
)
def test_any_parameters(parameters: list[tuple[str, str]], support_client: Client) -> None:
    response = support_client.get(f"/users/?{urlencode(parameters)}")
    assert response.status_code == 200
    assert b"data-total=" in response.content


@SLOW
@given(raw=st.binary(max_size=60))
def test_any_bytes(raw: bytes, support_client: Client) -> None:
    response = support_client.get(
        f"/users/?q={quote(raw)}&in=messages&tag={quote(raw)}&active_from={quote(raw)}"
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("has_email", "maybe"),
        ("active", "8"),
        ("dormant", "x"),
        ("min_messages", "-1"),
        ("min_messages", "many"),
        ("min_messages", "2147483648"),
        ("min_messages", "5.5"),
        ("first_from", "2026-02-31"),
        ("first_to", "tomorrow"),
        ("active_from", "0001-01-01"),
        ("active_to", "10000-01-01"),
        ("sent_from", "2026-13-01"),
        ("sent_to", "1.2.2026"),
        ("tag", "x" * 41),
        ("tag", "a\nb"),
        ("vip", "no"),
        ("online", "1"),
        ("repeat", "maybe"),
        ("kind", "bot"),
        ("q", " ".join(f"w{at}" for at in range(60))),
    ],
)
def test_it_is_named_and_left_out(parameter: str, value: str, support_client: Client) -> None:
    page = asked(support_client, **{parameter: value})
    assert errors(page) == {parameter}
    assert names(page) == ["Ada"]


def test_more_tags_than_are_asked_for_at_once(support_client: Client) -> None:
    response = support_client.get("/users/", {"tag": [f"t{at}" for at in range(11)]})
    assert response.status_code == 200 and b'data-error="tag"' in response.content
