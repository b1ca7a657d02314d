"""A walk over the pages by their links meets every conversation once, both ways, whatever is searched for."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.test import Client

from chatadmin.lib.budget import Budget, OverBudget
from conversations.models import Conversation
from search import conversation_names, conversation_queries
from search.conversation_names import Named
from search.conversation_walk import Edge, Kinds, Way
from tests.factories import make_person
from tests.search.pages import link, text_of, total
from tests.search.talks import T, both_ways, ids, make_talk, say, talks, walked
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db
KINDS = [(status, turn) for status in ("open", "closed") for turn in ("staff", "visitor")]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_queries, "PAGE_SIZE", 4)


@pytest.fixture
def made() -> list[Conversation]:
    """Of every kind, many at the same moment, also across pages and the edge between unread and read."""
    people = [make_person(f"Person {at}", f"p{at}@site.example") for at in range(25)]
    return [
        make_talk(
            person,
            at=T + dt.timedelta(days=at // 5),
            status=KINDS[at % 4][0],
            turn=KINDS[at % 4][1],
            unread_count=at * 7 % 3 // 2,
        )
        for at, person in enumerate(people)
    ]


def in_order(found: list[Conversation]) -> list[int]:
    key = lambda talk: (talk.unread_count > 0, talk.last_message_at, talk.pk)  # noqa: E731
    return [talk.pk for talk in sorted(found, key=key, reverse=True)]


@pytest.mark.parametrize("search", ["", "q=site.example&in=email"])
@pytest.mark.parametrize(
    "filters", ["", "status=closed", "turn=staff", "unread=yes", "status=open&turn=visitor"]
)
def test_each_once_both_ways(
    filters: str, search: str, made: list[Conversation], support_client: Client
) -> None:
    wanted = dict(pair.split("=") for pair in filters.split("&") if pair)
    matching = [
        talk
        for talk in made
        if wanted.get("status") in (None, talk.status)
        and wanted.get("turn") in (None, talk.turn)
        and ("unread" not in wanted or talk.unread_count)
    ]
    assert len(matching) > 4
    met = both_ways(support_client, f"/conversations/?{search}&{filters}")
    assert met == in_order(matching)


@pytest.mark.parametrize(("people", "fetched"), [(0, 6_000), (2_000, 0)])
def test_the_same_of_more_than_are_fetched(
    people: int,
    fetched: int,
    made: list[Conversation],
    support_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation_names, "PEOPLE", people)
    monkeypatch.setattr(conversation_names, "FETCHED", fetched)
    make_talk(make_person("Other"))
    start = "/conversations/?q=person&in=name"
    assert both_ways(support_client, start) == in_order(made)
    assert total(talks(support_client, q="person", **{"in": "name"})) == "25"


class Spent(Budget):
    """Lets so many reads through, and then none."""

    def __init__(self, reads: int) -> None:
        super().__init__(60)
        self.reads = reads

    def part(self, seconds: float) -> Budget:
        return self

    def limit(self):  # type: ignore[no-untyped-def]
        self.reads -= 1
        if self.reads < 0:
            raise OverBudget
        return super().limit()


def test_where_the_time_is_up_the_search_goes_on_from_there(
    made: list[Conversation], support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every walk is broken off at once: what is left is pieces, two for each page."""
    monkeypatch.setattr(conversation_names, "PIECE", 3)
    people = living().filter(name__in=["Person 3", "Person 4", "Person 20"])
    met: list[int] = []
    edge: Edge | None = None
    stops = 0
    for _step in range(20):
        named = Named(people, Kinds(), Spent(0))
        named.budget = Spent(3)
        monkeypatch.setattr(named, "_walked", lambda way: (_ for _ in ()).throw(OverBudget))
        part = named.part(Way(4, edge))
        stops += bool(part.stopped)
        met += part.ids
        if part.stopped is None:
            break
        assert part.after is None
        edge = Edge.decode(part.stopped)
    assert stops > 1
    assert met == in_order(
        [talk for talk in made if talk.chat_user.name in ("Person 3", "Person 4", "Person 20")]
    )


def test_a_search_without_time_says_so_and_can_go_on(
    made: list[Conversation], support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_queries, "SMALL_BUDGET_SECONDS", 0.0)
    page = talks(support_client, q="person", **{"in": "name"})
    assert ids(page) == [] and total(page) == "0+"
    assert 'data-partial="true"' in text_of(page) and "Nothing found so far" in text_of(page)
    monkeypatch.undo()
    found = text_of(page).split('<a class="btn primary" href="')[1].split('"')[0].replace("&amp;", "&")
    met = [pk for part in walked(support_client, found, "next") for pk in part]
    assert met == in_order(made)


def test_what_changes_meanwhile_moves_nobody_else(made: list[Conversation], support_client: Client) -> None:
    dice = random.Random(4)
    changed: set[int] = set()
    met: list[int] = []
    address: str | None = "/conversations/"
    while address:
        response = support_client.get(address)
        met += ids(response)
        address = link(response, "next")
        talk = dice.choice([talk for talk in made if talk.pk not in changed])
        changed.add(talk.pk)
        Conversation.objects.filter(pk=talk.pk).update(
            unread_count=1 - min(1, talk.unread_count),
            last_message_at=T + dt.timedelta(days=dice.randrange(9)),
        )
    assert len(changed) > 5
    still = [pk for pk in in_order(made) if pk not in changed]
    assert [pk for pk in met if pk not in changed] == still


def speak(made: list[Conversation]) -> list[Conversation]:
    """The same word in two of three of them, in some twice; newest match first."""
    newest: dict[int, int] = {}
    spoken = [talk for at, talk in enumerate(made) if at % 3]
    for at, talk in enumerate([*spoken, *spoken[::4]]):
        newest[talk.pk] = say(talk, "visitor", f"refund number {at}").pk
    return sorted(
        (talk for talk in made if talk.pk in newest), key=lambda talk: newest[talk.pk], reverse=True
    )


@pytest.mark.parametrize("filters", ["", "status=closed", "turn=staff&status=open", "unread=yes"])
def test_messages_meet_each_conversation_once(
    filters: str, made: list[Conversation], support_client: Client
) -> None:
    wanted = dict(pair.split("=") for pair in filters.split("&") if pair)
    expected = [
        talk.pk
        for talk in speak(made)
        if wanted.get("status") in (None, talk.status)
        and wanted.get("turn") in (None, talk.turn)
        and ("unread" not in wanted or talk.unread_count)
    ]
    assert len(expected) > 3
    assert both_ways(support_client, f"/conversations/?q=refund&in=messages&{filters}") == expected


@pytest.mark.parametrize("left_out", [1_000, 0])
@pytest.mark.parametrize("named", [0, 1, 3, 4, 8, 11])
def test_those_found_by_name_come_before_those_found_by_what_was_said(
    named: int,
    left_out: int,
    made: list[Conversation],
    support_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation_queries, "LEFT_OUT", left_out)
    said = speak(made)
    ChatUser.objects.filter(pk__in=[talk.chat_user_id for talk in made[:named]]).update(
        name_folded="refund inc"
    )
    by_name = in_order(made[:named])
    expected = [*by_name, *(talk.pk for talk in said if talk.pk not in by_name)]
    assert both_ways(support_client, "/conversations/?q=refund") == expected
    assert total(talks(support_client, q="refund")).rstrip("+") == str(len(expected))
