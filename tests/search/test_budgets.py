"""Where the time runs out the page says so, and going on from there meets everyone once all the same."""

from __future__ import annotations

import datetime as dt
from html import unescape

import pytest
from django.http import QueryDict
from django.test import Client

from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.tokens import folded
from search import listing, queries, walk
from search.filters import UserFilters
from search.orders import ORDERS
from tests.factories import make_messages, make_person
from tests.search.pages import asked, text_of
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SORTS = [f"{way}{name}" for name in ORDERS for way in ("", "-")]


@pytest.fixture
def crowd() -> None:
    ChatUser.objects.bulk_create(
        ChatUser(
            name=(name := f"Person {at % 3}" if at % 4 else ""),
            name_folded=folded(name),
            email=f"p{at}@site.example",
            email_folded=f"p{at}@site.example",
            last_active=T + dt.timedelta(days=at % 3) if at % 5 else None,
            first_contact=T + dt.timedelta(days=at // 7) if at % 3 else T,
            message_count=at % 3,
            is_vip=at % 2 == 0,
        )
        for at in range(23)
    )


def walk_on(parameters: str) -> tuple[list[int], int]:
    """Everyone met by going on and to the next page, and how many pages were partial."""
    met: list[int] = []
    partial = 0
    edge: dict[str, str] = {}
    while True:
        asked_for = QueryDict(parameters, mutable=True)
        asked_for.update(edge)
        found = queries.find(UserFilters(asked_for, queryset=living()), Budget(0.9))
        met += [person.pk for person in found.rows]
        partial += found.go_on is not None
        assert partial < 100, "it comes no further"
        if found.go_on:
            edge = dict([found.go_on])
        elif found.after:
            edge = {"after": found.after}
        else:
            return met, partial


@pytest.mark.parametrize("sort", SORTS)
def test_the_list_in_pieces(sort: str, crowd: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 4)
    expected, partial = walk_on(f"sort={sort}&vip=yes")
    assert len(expected) == 12 and not partial
    monkeypatch.setattr(listing, "WALK_SECONDS", 0)
    monkeypatch.setattr(listing, "COUNT_SECONDS", 0)
    assert walk_on(f"sort={sort}&vip=yes") == (expected, 0), "the other way"
    monkeypatch.setattr(listing, "OTHER_SHARE", 0)
    monkeypatch.setattr(listing, "PIECE", 3)
    assert walk_on(f"sort={sort}&vip=yes") == (expected, 0), "in pieces"


def test_pieces_that_the_budget_ends(crowd: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = walk_on("vip=yes")
    for name in ("WALK_SECONDS", "COUNT_SECONDS"):
        monkeypatch.setattr(listing, name, 0)
    monkeypatch.setattr(listing, "OTHER_SHARE", 0)
    monkeypatch.setattr(listing, "PIECE", 3)
    # Each page is one piece, looked through in any case.
    original = Budget.limit

    def only_grace(budget: Budget) -> object:
        if budget.left < 0.91:
            raise OverBudget
        return original(budget)

    monkeypatch.setattr(Budget, "limit", only_grace)
    met, partial = walk_on("vip=yes")
    assert met == expected and partial >= 7


@pytest.mark.parametrize("place", ["messages", "any"])
def test_message_search_in_steps(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(12):
        make_messages(make_person(f"P{at}"), ("visitor", "kettle" if at % 3 else "lamp"), ("staff", "hello"))
    expected, partial = walk_on(f"q=kettle&in={place}")
    assert len(expected) == 8 and not partial
    for module, name in ((walk, "READ_FIRST"), (walk, "MATCHES_FIRST"), (walk, "MATCHES_MOST")):
        monkeypatch.setattr(module, name, 2)
    original = Budget.limit
    steps = {"left": 0}

    def few_steps(budget: Budget) -> object:
        steps["left"] -= 1
        if steps["left"] < 0 and budget.left < 0.91:
            raise OverBudget
        return original(budget)

    find = queries.find_hits

    def found(*args: object, **options: object) -> object:
        steps["left"] = 2
        return find(*args, **options)

    monkeypatch.setattr(queries, "find_hits", found)
    monkeypatch.setattr(Budget, "limit", few_steps)
    met, partial = walk_on(f"q=kettle&in={place}")
    assert met == expected
    assert partial >= 1


def test_the_page_says_so(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(3):
        make_messages(make_person(f"P{at}"), ("visitor", "我想退款"))
    page = asked(support_client, q="退", **{"in": "messages"})
    assert 'data-partial="true"' not in text_of(page)
    monkeypatch.setattr(walk, "PART_MESSAGES", 2)
    monkeypatch.setattr(queries, "SMALL_BUDGET_SECONDS", 0.9)
    original = Budget.limit
    steps: list[Budget] = []

    def one_step(budget: Budget) -> object:
        steps.append(budget)
        if len(steps) > 1:
            raise OverBudget
        return original(budget)

    monkeypatch.setattr(Budget, "limit", one_step)
    page = asked(support_client, q="退", **{"in": "messages"})
    assert 'data-partial="true"' in text_of(page)
    assert "after=m" in unescape(text_of(page))


def test_a_whole_search_reads_on_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make_person(f"P{at}") for at in range(5)]
    for person in people:
        make_messages(person, ("visitor", "我想退款"))
    monkeypatch.setattr(walk, "PART_MESSAGES", 2)
    filters = UserFilters(QueryDict("q=退&in=messages"), queryset=living())
    assert len(queries.find(filters).rows) == 2
    assert sorted(queries.every_id(filters, 10)) == [person.pk for person in people]
