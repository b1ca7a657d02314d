"""The list's people are found by every way alike, each way takes the indexes that were made for it, and the shorter one is
taken."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.utils import OperationalError
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.hints import by_index
from chatadmin.lib.tokens import folded
from search import listing, queries, sieve
from search.filters import ANONYMOUS, UserFilters
from search.orders import INDEXES, ORDERS
from search.sieve import Sieve
from users.models import ChatUser, Tag, Tagging
from users.queries import living

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
PEOPLE = 300
SORTS = [f"{way}{name}" for name in ORDERS for way in ("", "-")]
FILTERS = [
    "kind=anonymous",
    "kind=identified&active=7",
    "has_email=no&repeat=yes",
    "has_email=yes&min_messages=2",
    "held=yes",
    "held=yes&min_messages=1",
    "vip=yes&active=90",
    "dormant=30&min_messages=1",
    "tag=beta&has_email=yes&min_messages=2",
    "tag=beta&tag=jp",
    "tag=jp&vip=yes&repeat=yes",
    "kind=anonymous&repeat=yes&active=90",
    "q=mia&in=name&vip=yes",
]
NOBODY = ["tag=unheard", "tag=unheard&has_email=yes", "kind=anonymous&has_email=yes"]
FEWS = ("FEW", "FEW_ON_SQLITE")


@pytest.fixture
def crowd() -> None:
    rng = random.Random(5)
    now = timezone.now()
    people = []
    for at in range(PEOPLE):
        is_known = rng.random() < 0.7
        name = rng.choice(["", "Mia", "Noah", "Zoé"]) if is_known else ""
        email = f"p{at}@site.example" if is_known and rng.random() < 0.8 else ""
        active = now - dt.timedelta(days=rng.randrange(200)) if rng.random() < 0.9 else None
        people.append(
            ChatUser(
                name=name,
                name_folded=folded(name),
                email=email,
                email_folded=folded(email),
                last_active=active,
                first_contact=active and active - dt.timedelta(days=rng.randrange(50)),
                message_count=rng.randrange(5) if active else 0,
                visit_count=rng.randrange(4),
                is_vip=rng.random() < 0.3,
                held_at=now if at % 9 == 0 else None,
                erased_at=now if rng.random() < 0.1 else None,
            )
        )
    people = ChatUser.objects.bulk_create(people)
    for name, share in (("beta", 0.4), ("jp", 0.5)):
        tag = Tag.objects.create(name=name, name_folded=name)
        Tagging.objects.bulk_create(
            Tagging(tag=tag, chat_user=person) for person in people if rng.random() < share
        )


def filters(query: str) -> UserFilters:
    asked = UserFilters(QueryDict(query), queryset=living())
    assert not asked.errors
    return asked


def walked(query: str) -> list[int]:
    """Everyone from the first page to the last."""
    met: list[int] = []
    after = ""
    while True:
        found = queries.find(filters(f"{query}&after={after}"))
        met += [person.pk for person in found.rows]
        if found.after is None:
            return met
        after = found.after


def by_hand(query: str) -> list[int]:
    """Everyone, by one plain statement and a sort in this process."""
    asked = filters(query)
    order, people = asked.order, list(asked.named)
    valued = [person for person in people if getattr(person, order.column) is not None]
    empty = [person for person in people if getattr(person, order.column) is None]
    for some in (valued, empty):
        some.sort(key=lambda person: person.pk, reverse=order.descending)
    valued.sort(key=lambda person: getattr(person, order.column), reverse=order.descending)
    return [person.pk for person in valued + empty]


def plan(people: QuerySet[ChatUser]) -> str:
    """What the database means to do, small tables or not."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE users_chatuser")
            cursor.execute("ANALYZE users_tagging")
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return people.explain()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("narrow", [*FILTERS, *NOBODY])
def test_every_way_finds_the_same(
    narrow: str, sort: str, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"{narrow}&sort={sort}"
    expected = by_hand(query)
    assert bool(expected) == (narrow in FILTERS)
    monkeypatch.setattr(queries, "PAGE_SIZE", 7)
    assert walked(query) == expected, "fetched by id"
    monkeypatch.setattr(queries, "COUNTED", 3)
    for few, way in ((PEOPLE, "gathered"), (-1, "walked")):
        for name in FEWS:
            monkeypatch.setattr(sieve, name, few)
        assert walked(query) == expected, way


@pytest.mark.parametrize(("few", "is_gathered"), [(PEOPLE, True), (-1, False)])
def test_few_are_gathered_and_many_walked_to(
    few: int, is_gathered: bool, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COUNTED", 3)
    for name in FEWS:
        monkeypatch.setattr(sieve, name, few)
    with CaptureQueriesContext(connection) as asked:
        queries.find(filters("vip=yes&active=90"))
    sorting = [query["sql"] for query in asked if "ORDER BY" in query["sql"]]
    assert sorting and all(("GREATEST(" in sql or "MAX(" in sql) == is_gathered for sql in sorting)


def test_everyone_is_walked_to_without_asking_how_many(crowd: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        everyone = filters("sort=messages").sieve
        assert not everyone.are_few(ORDERS["messages"])
    assert not asked.captured_queries


def test_what_one_way_does_not_find_in_time_the_other_does(
    crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_hand("vip=yes")
    monkeypatch.setattr(queries, "COUNTED", 3)
    taken: list[bool] = []
    original = listing._page

    def slow(*args: object, is_gathered: bool, **options: object) -> object:
        taken.append(is_gathered)
        if len(taken) == 1:
            raise listing.OverBudget
        return original(*args, is_gathered=is_gathered, **options)

    monkeypatch.setattr(listing, "_page", slow)
    found = queries.find(filters("vip=yes"))
    assert [person.pk for person in found.rows] == expected[: queries.PAGE_SIZE] and found.go_on is None
    assert taken == [True, False]


SORTED_BY = ("last_active", "first_contact", "message_count")
ANSWERED = [
    "active=7&min_messages=3&repeat=yes&vip=yes",
    "active=7&min_messages=3&repeat=yes",
    "min_messages=3&first_from=2026-01-01&vip=yes",
    "dormant=30&repeat=yes",
    "vip=yes",
]


@pytest.mark.django_db(transaction=True)
def test_an_index_answers_without_the_row(crowd: None) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # What was just written has to be seen by all before an index alone can tell.
            cursor.execute("VACUUM (ANALYZE) users_chatuser")
    for query in ANSWERED:
        people = filters(query).sieve.gathered().order_by().values_list("pk", *SORTED_BY)
        if connection.vendor == "postgresql":
            with transaction.atomic():
                assert plan(people).startswith("Index Only Scan"), query
        else:
            assert "INDEXED" in str(people.query)
            assert not reads_rows(people), query


def test_a_row_is_looked_at_where_no_index_answers(crowd: None) -> None:
    people = filters("has_email=yes&min_messages=3").sieve.gathered().values_list("pk")
    assert reads_rows(people) if connection.vendor == "sqlite" else "email" in plan(people)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("vip=yes", "chatuser_vip"),
        ("min_messages=4", "chatuser_messages"),
        ("active_from=2026-01-01&active_to=2026-02-01", "chatuser_last_active"),
        ("first_from=2026-01-01&first_to=2026-02-01", "chatuser_first_contact"),
        ("kind=anonymous", "chatuser_name"),
        ("has_email=no", "chatuser_email"),
        ("tag=beta", "tagging_of_tag"),
    ],
)
def test_each_filter_has_an_index(query: str, index: str, crowd: None) -> None:
    people = filters(query).sieve.gathered().order_by().values_list("pk")
    assert index in plan(people)


@pytest.mark.parametrize("sort", SORTS)
def test_the_order_is_walked_along_its_index(sort: str, crowd: None) -> None:
    asked = filters(f"kind=anonymous&tag=beta&sort={sort}")
    order = asked.order
    key = order.column if not order.descending else f"-{order.column}"
    way = "-pk" if order.descending else "pk"
    people = asked.sieve.along(order).filter(**{f"{order.column}__isnull": False})
    said = plan(people.order_by(key, way).values_list("pk", order.column))
    if connection.vendor == "sqlite":
        assert f"USING INDEX {INDEXES[order.column]}" in said and "TEMP B-TREE" not in said
    else:
        assert f"using {INDEXES[order.column]}" in said and "Sort" not in said


def test_sqlite_refuses_an_index_that_does_not_serve() -> None:
    everyone = by_index(living(), "chatuser_vip")
    if connection.vendor == "sqlite":
        with pytest.raises(OperationalError, match="no query solution"):
            everyone.count()
    else:
        assert everyone.count() == 0


def test_it_is_known_about_how_many_are_anonymous(crowd: None) -> None:
    real = living().filter(ANONYMOUS).count()
    assert 50 < real < 120
    for query in ("kind=anonymous", "kind=anonymous&has_email=no"):
        asked = filters(query)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE users_chatuser")
            gathering = Sieve(asked.named, is_narrowed=True)._gathering("pk")
            assert real / 1.5 < gathering.expected < 1.5 * real
        else:
            smallest = asked.sieve._smallest
            assert smallest is not None and real <= smallest.size <= 2 * real


def test_of_two_filters_the_narrower_one_is_taken_first(crowd: None) -> None:
    asked = filters("tag=beta&min_messages=4&has_email=yes").sieve
    if connection.vendor == "postgresql":
        _, apart = asked._ways("pk")
        said = plan(apart.values_list("pk"))
        lines = said.splitlines()
        at, depth = next((at, line.index("Limit")) for at, line in enumerate(lines) if "Limit" in line)
        inside = "\n".join(itertools.takewhile(lambda line: line[: depth + 1].isspace(), lines[at + 1 :]))
        assert "Index Only Scan using chatuser_messages" in inside and "tagging_of_tag" in inside
        assert "email" in said and "email" not in inside
    else:
        assert "SEARCH users_chatuser USING INDEX chatuser_messages" in plan(asked.gathered())
        Tagging.objects.exclude(chat_user__in=Tagging.objects.values("chat_user")[:5]).delete()
        few = filters("tag=beta&min_messages=4&has_email=yes").sieve.gathered()
        assert "SEARCH users_chatuser USING INTEGER PRIMARY KEY" in few.explain()


@pytest.mark.parametrize("cheaper", [0, 1])
def test_of_two_ways_to_gather_the_cheaper_one_is_taken(
    cheaper: int, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "tag=beta&min_messages=2&has_email=yes&sort=name"
    asked = filters(query)
    ways = asked.sieve._ways("name_folded")
    costs = {str(way.query): 10.0 if at == cheaper else 20.0 for at, way in enumerate(ways)}
    assert len(costs) == 2
    monkeypatch.setattr(
        sieve, "_planned", lambda people, column: sieve.Gathering(people, 50, costs[str(people.query)])
    )
    taken = asked.sieve._gathering("name_folded").people
    assert str(taken.query) == str(ways[cheaper].query)
    assert set(taken) == set(asked.named)


def test_what_is_dear_to_gather_is_not_few(crowd: None, monkeypatch: pytest.MonkeyPatch) -> None:
    order = ORDERS["messages"]
    assert filters("vip=yes").sieve.are_few(order)
    for name in ("CHEAP", "FEW_ON_SQLITE"):
        monkeypatch.setattr(sieve, name, 0)
    assert not filters("vip=yes").sieve.are_few(order)


def reads_rows(people: QuerySet[ChatUser]) -> bool:
    """Whether SQLite's program for this statement takes any column from the table itself."""
    sql, params = people.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users_chatuser'")
        root = cursor.fetchone()[0]
        cursor.execute(f"EXPLAIN {sql}", params)
        steps = [(step[1], step[2], step[3]) for step in cursor.fetchall()]
    tables = {cursor for what, cursor, page in steps if what == "OpenRead" and page == root}
    assert tables
    return any(what == "Column" and cursor in tables for what, cursor, _ in steps)
