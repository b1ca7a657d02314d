"""Keyset paging: a walk meets everyone once, whichever way it goes, and no cursor breaks it."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatadmin.lib.paging import BadCursor, Cursor, Order, page
from users.models import ChatUser

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
MOMENTS = [NOON, NOON + dt.timedelta(microseconds=1), NOON + dt.timedelta(days=1)]
ACTIVE = Order("last_active", descending=True, value_type=dt.datetime, nullable=True)
MESSAGES = Order("message_count", descending=True, value_type=int)
NAME = Order("name_folded", descending=False, value_type=str, nullable=True)
ORDERS = [
    Order(order.column, turned, order.value_type, order.nullable)
    for order in (ACTIVE, MESSAGES, NAME)
    for turned in (True, False)
]
ROW = st.tuples(
    st.none() | st.sampled_from(MOMENTS),
    st.integers(min_value=0, max_value=2),
    st.none() | st.sampled_from(["a", "ab", "ä", "🎉", "\uffff"]),
)


def make(rows: list[tuple[dt.datetime | None, int, str | None]]) -> None:
    ChatUser.objects.all().delete()
    ChatUser.objects.bulk_create(
        ChatUser(last_active=at, message_count=count, first_contact=NOON, name_folded=name)
        for at, count, name in rows
    )


def expected(order: Order) -> list[int]:
    """The ids in the order that the contract says, sorted without a database."""

    def key(person: ChatUser) -> tuple[object, int]:
        value = getattr(person, order.column)
        return (value.encode() if isinstance(value, str) else value, person.pk)

    people = list(ChatUser.objects.all())
    known = [person for person in people if getattr(person, order.column) is not None]
    unknown = [person for person in people if getattr(person, order.column) is None]
    known.sort(key=key, reverse=order.descending)
    unknown.sort(key=lambda person: person.pk, reverse=order.descending)
    return [person.pk for person in known + unknown]


def forwards(order: Order, size: int) -> Iterator[list[int]]:
    after = None
    while True:
        found = page(ChatUser.objects.all(), order, size=size, after=after)
        yield [person.pk for person in found.rows]
        if found.after is None:
            return
        after = order.decode(found.after)


def backwards(order: Order, size: int, start: ChatUser) -> Iterator[list[int]]:
    before: Cursor | None = order.cursor(start)
    while before is not None:
        found = page(ChatUser.objects.all(), order, size=size, before=before)
        yield [person.pk for person in found.rows]
        before = order.decode(found.before) if found.before else None


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.column}-{order.descending}")
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(ROW, max_size=12), size=st.integers(min_value=1, max_value=5))
def test_a_walk_meets_everyone_once_both_ways(
    order: Order, rows: list[tuple[dt.datetime | None, int, str | None]], size: int
) -> None:
    make(rows)
    wanted = expected(order)
    pages = list(forwards(order, size))
    assert [pk for part in pages for pk in part] == wanted
    assert all(len(part) == size for part in pages[:-1])
    if wanted:
        last = ChatUser.objects.get(pk=wanted[-1])
        back = list(backwards(order, size, last))
        assert [pk for part in reversed(back) for pk in part] == wanted[:-1]


@pytest.mark.django_db
def test_the_ends_have_no_neighbours() -> None:
    make([(NOON, count, None) for count in range(5)])
    first = page(ChatUser.objects.all(), MESSAGES, size=2)
    assert first.before is None and first.after is not None
    second = page(ChatUser.objects.all(), MESSAGES, size=2, after=MESSAGES.decode(first.after))
    assert second.before is not None and second.after is not None
    third = page(ChatUser.objects.all(), MESSAGES, size=2, after=MESSAGES.decode(second.after))
    assert len(third.rows) == 1 and third.before is not None and third.after is None
    again = page(ChatUser.objects.all(), MESSAGES, size=2, before=MESSAGES.decode(second.before))
    assert again.rows == first.rows and again.before is None and again.after is not None


@pytest.mark.django_db
def test_somebody_who_goes_leaves_no_gap() -> None:
    make([(NOON, count, None) for count in range(6)])
    first = page(ChatUser.objects.all(), MESSAGES, size=2)
    edge = first.rows[-1]
    assert edge.message_count == 4
    edge.delete()
    second = page(ChatUser.objects.all(), MESSAGES, size=2, after=MESSAGES.decode(first.after or ""))
    assert [person.message_count for person in second.rows] == [3, 2]


@pytest.mark.django_db
def test_a_page_past_the_end_is_empty() -> None:
    make([(NOON, 1, None)])
    assert page(ChatUser.objects.all(), MESSAGES, size=2, after=Cursor(1, 0)).rows == []


@pytest.mark.django_db
def test_at_most_one_query_for_each_segment(django_assert_max_num_queries: object) -> None:
    make([(NOON if at % 2 else None, at, None) for at in range(8)])
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        page(ChatUser.objects.all(), ACTIVE, size=8)
    with django_assert_max_num_queries(1):  # type: ignore[operator]
        page(ChatUser.objects.all(), ACTIVE, size=3)


@pytest.mark.parametrize(
    ("order", "cursor"),
    [
        (ACTIVE, Cursor(NOON + dt.timedelta(microseconds=7), 2**63 - 1)),
        (ACTIVE, Cursor(None, 4)),
        (MESSAGES, Cursor(0, -5)),
        (NAME, Cursor("ä 山 🎉 \"'", 1)),
    ],
)
def test_a_cursor_comes_back_as_it_went(order: Order, cursor: Cursor) -> None:
    assert order.decode(cursor.encode()) == cursor
    assert cursor.encode().replace("-", "").replace("_", "").isalnum()


def coded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_of_ours_is_not_refused() -> None:
    assert ACTIVE.decode(coded(["t", NOON.isoformat(), 1])) == Cursor(NOON, 1)


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (ACTIVE, "é"),
        (ACTIVE, "!"),
        (ACTIVE, "a"),
        (ACTIVE, coded({})),
        (ACTIVE, coded([])),
        (ACTIVE, coded(["t", "yesterday", 1])),
        (ACTIVE, coded(["t", "2026-11-24T12:00:00", 1])),
        (ACTIVE, coded(["t", "9999-12-31T23:59:59-23:59", 1])),
        (ACTIVE, coded(["t", "0001-01-01T00:00:00+23:59", 1])),
        (ACTIVE, coded(["n", "x", 1])),
        (ACTIVE, coded(["v", None, 1])),
        (ACTIVE, coded(["v", 5, 1])),
        (ACTIVE, coded(["t", NOON.isoformat(), 2**63])),
        (ACTIVE, coded(["t", NOON.isoformat(), "1"])),
        (MESSAGES, coded(["n", None, 1])),
        (MESSAGES, coded(["v", True, 1])),
        (MESSAGES, coded(["v", 2**63, 1])),
        (MESSAGES, coded(["v", 1.5, 1])),
        (NAME, coded(["v", "nul\0", 1])),
        (NAME, coded(["v", "\ud800", 1])),
        (NAME, base64.urlsafe_b64encode(b'["v","a",1,' + b"[" * 100_000).decode()),
        (NAME, base64.urlsafe_b64encode(b"[" * 100_000).decode()),
    ],
)
def test_what_is_no_cursor_of_this_order_is_refused(order: Order, text: str) -> None:
    with pytest.raises(BadCursor):
        order.decode(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=st.text())
def test_no_text_breaks_the_decoder(text: str) -> None:
    for order in (ACTIVE, MESSAGES, NAME):
        try:
            order.decode(text)
        except BadCursor:
            continue
