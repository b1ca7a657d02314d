"""Walking all pages while people change meets everyone whose place in the order stayed the same exactly once."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatadmin.lib.tokens import folded, tokens
from conversations.models import Conversation, Message
from search import matches, messages, queries, walk
from search.filters import UserFilters
from search.orders import ORDERS
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SIZE = 3
SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = ("kettle", "lamp", "kettle lamp", "nothing")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way through the search is taken with a handful of rows."""
    monkeypatch.setattr(queries, "PAGE_SIZE", SIZE)
    monkeypatch.setattr(walk, "READ_FIRST", 4)
    monkeypatch.setattr(walk, "MATCHES_FIRST", 2)
    monkeypatch.setattr(messages, "MATCHES_FIRST", 2)
    monkeypatch.setattr(messages, "ABOVE_READ", 3)
    monkeypatch.setattr(messages, "ABOVE_MOST", 5)
    monkeypatch.setattr(matches, "BUCKET_BITS", matches.BUCKET_BITS)


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Nothing of one example is there for the next."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_person(at: int, value: int | None) -> ChatUser:
    when = None if value is None else T + dt.timedelta(days=value)
    name = "" if value is None else f"Name {value}"
    return ChatUser.objects.create(
        name=name,
        name_folded=folded(name),
        external_id=f"p{at}",
        last_active=when,
        first_contact=when or (T if value else None),
        message_count=value or 0 if when else 0,
    )


def set_value(person: ChatUser, value: int | None) -> None:
    when = None if value is None else T + dt.timedelta(days=value)
    name = "" if value is None else f"Name {value}"
    ChatUser.objects.filter(pk=person.pk).update(
        name=name,
        name_folded=folded(name),
        last_active=when,
        first_contact=when,
        message_count=value or 0 if when else 0,
    )


def say(person: ChatUser, body: str) -> Message:
    talk, _ = Conversation.objects.get_or_create(chat_user=person, status="open")
    return Message.objects.create(
        conversation=talk,
        chat_user=person,
        sender="visitor",
        body=body,
        tokens=tokens(body),
        created_at=timezone.now(),
    )


def page(query: str, **cursor: str) -> queries.Found:
    parameters = QueryDict(query, mutable=True)
    parameters.update(cursor)
    filters = UserFilters(parameters, queryset=living())
    assert not filters.errors, filters.errors
    found = queries.find(filters)
    assert found.go_on is None
    return found


def forward(query: str, between: Iterator[None]) -> tuple[list[int], queries.Found]:
    """Everyone met from the first page to the last, and the last page."""
    met: list[int] = []
    found = page(query)
    while True:
        met += [person.pk for person in found.rows]
        if found.after is None:
            return met, found
        next(between, None)
        found = page(query, after=found.after)


def backward(query: str, found: queries.Found, between: Iterator[None]) -> list[int]:
    """Everyone met from the page `found` to the first one."""
    met = [person.pk for person in found.rows]
    while found.before is not None:
        next(between, None)
        found = page(query, before=found.before)
        met = [person.pk for person in found.rows] + met
    return met


VALUES = st.none() | st.integers(0, 3)


@SLOW
@given(
    values=st.lists(VALUES, min_size=1, max_size=14),
    changes=st.lists(st.tuples(st.integers(0, 13), VALUES | st.just("erase") | st.just("new")), max_size=8),
    sort=st.sampled_from([*ORDERS, *(f"-{name}" for name in ORDERS)]),
    narrowed=st.booleans(),
)
def test_the_list(
    values: list[int | None], changes: list[tuple[int, int | str | None]], sort: str, narrowed: bool
) -> None:
    with undone():
        people = [make_person(at, value) for at, value in enumerate(values)]
        touched: set[int] = set()

        def change() -> Iterator[None]:
            for at, value in changes:
                person = people[at % len(values)]
                if value == "new":
                    people.append(make_person(len(people), at % 4))
                    touched.add(people[-1].pk)
                elif value == "erase":
                    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now())
                    touched.add(person.pk)
                else:
                    assert not isinstance(value, str)
                    set_value(person, value)
                    touched.add(person.pk)
                yield

        between = change()
        query = f"sort={sort}" + ("&kind=identified" if narrowed else "")
        met, last = forward(query, between)
        back = backward(query, last, between)
        steady = {person.pk for person in people} - touched
        for walked in (met, back):
            assert sorted(pk for pk in walked if pk in steady) == sorted(steady)
        if not changes:
            assert met == back


@SLOW
@given(
    said=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(WORDS)), min_size=1, max_size=40),
    changes=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([*WORDS, "erase"])), max_size=6),
    query=st.sampled_from(
        ["q=kettle&in=messages", "q=kettle&in=messages&kind=identified", "q=kettle lamp&in=messages"]
    ),
)
def test_message_search(said: list[tuple[int, str]], changes: list[tuple[int, str]], query: str) -> None:
    with undone():
        people = [make_person(at, 1) for at in range(10)]
        newest: dict[int, int] = {}
        wanted = ["kettle", "kettle lamp"] if "lamp" not in query else ["kettle lamp"]
        for who, words in said:
            message = say(people[who], words)
            if words in wanted:
                newest[people[who].pk] = message.pk
        touched: set[int] = set()

        def change() -> Iterator[None]:
            for who, words in changes:
                touched.add(people[who].pk)
                if words == "erase":
                    ChatUser.objects.filter(pk=people[who].pk).update(erased_at=timezone.now())
                else:
                    say(people[who], words)
                yield

        between = change()
        met, last = forward(query, between)
        back = backward(query, last, between)
        expected = sorted(newest, key=lambda pk: -newest[pk])
        steady = set(newest) - touched
        for walked in (met, back):
            assert len(walked) == len(set(walked)), "somebody was met twice"
            assert [pk for pk in walked if pk in steady] == [pk for pk in expected if pk in steady]
        if not changes:
            assert met == back == expected
            assert page(query).total == len(expected)


@SLOW
@given(
    said=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(WORDS)), max_size=30),
    named=st.lists(st.integers(0, 9), max_size=7, unique=True),
    sort=st.sampled_from(["last_active", "-messages", "name"]),
)
def test_names_first_and_then_messages(said: list[tuple[int, str]], named: list[int], sort: str) -> None:
    with undone():
        people = [make_person(at, at % 3) for at in range(10)]
        for at in named:
            ChatUser.objects.filter(pk=people[at].pk).update(name="Kettle Co", name_folded="kettle co")
        newest: dict[int, int] = {}
        for who, words in said:
            message = say(people[who], words)
            if "kettle" in words and who not in named:
                newest[people[who].pk] = message.pk
        query = f"q=kettle&sort={sort}"
        met, last = forward(query, iter(()))
        assert set(met[: len(named)]) == {people[at].pk for at in named}
        assert met[len(named) :] == sorted(newest, key=lambda pk: -newest[pk])
        assert backward(query, last, iter(())) == met
        counted = page(query)
        # Where counting met its time budget it is "at least", and says so.
        assert counted.total == len(met) or (counted.and_more and counted.total < len(met))
        found = last
        while found.before is not None:
            found = page(query, before=found.before)
            shown = [person.pk for person in found.rows]
            assert found.after is not None
            onward = page(query, after=found.after)
            at = met.index(shown[-1]) + 1
            assert [person.pk for person in onward.rows] == met[at : at + SIZE]
