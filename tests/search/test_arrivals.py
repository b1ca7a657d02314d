"""Who of those who moved is new to a list: by its order, by its filters, by the words that it looks for."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.tokens import tokens
from search import arrivals
from search.arrivals import CAME, CREATED, FIRST, SAID, WROTE, Moved, Text
from tests.factories import make_person
from users import presence
from users.models import ChatUser, Tag, Tagging

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SPOKE = {WROTE, SAID, FIRST}
ANSWERED = {SAID, FIRST}


@pytest.fixture
def ada() -> ChatUser:
    old = NOW - dt.timedelta(days=400)
    return make_person(
        "Ada", "ada@site.example", is_vip=True, message_count=7, first_contact=old, last_active=NOW
    )


def is_new(query: str, person: ChatUser, *kinds: str) -> bool:
    """Whether the person is new to that list by what happened to them."""
    moved = arrivals.wanted(query).among({str(person.uuid): Moved(set(kinds), at=1.0)})
    return bool(arrivals.arrived(query, moved, {}))


def finds(query: str, person: ChatUser, body: str, sent_at: dt.datetime = NOW) -> bool:
    """Whether the person is new to that list by having said so."""
    moved = arrivals.wanted(query).among({str(person.uuid): Moved(set(SPOKE), [1], 1.0)})
    return bool(arrivals.arrived(query, moved, {1: Text(tokens(body), sent_at)}))


@pytest.mark.parametrize(
    ("query", "kinds", "new"),
    [
        ("", {CREATED}, True),
        ("", SPOKE, True),
        ("", {CAME}, True),
        ("", ANSWERED, False),
        ("", {"tags"}, False),
        ("", {"name"}, False),
        ("sort=-last_active", SPOKE, True),
        ("sort=name", {CREATED}, True),
        ("sort=name", {"name"}, True),
        ("sort=name", SPOKE, False),
        ("sort=-name", {CAME}, False),
        ("sort=messages", ANSWERED, True),
        ("sort=messages", {CAME}, False),
        ("sort=first_contact", SPOKE, False),
        ("sort=name&vip=yes", {"vip"}, True),
        ("sort=name&vip=yes", {"tags"}, False),
        ("sort=name&min_messages=7", ANSWERED, True),
        ("sort=name&active=7", {CAME}, True),
        ("has_email=yes&sort=name", {"email"}, True),
        ("kind=identified&sort=name", {"external_id"}, True),
        ("q=ada&in=name&sort=messages", {"name"}, True),
        ("q=bob&in=name&sort=messages", {"name"}, False),
        ("first_from=2020-01-01&sort=name", SPOKE, False),
        ("has_email=no", SPOKE, False),
        ("vip=yes&min_messages=8", SPOKE, False),
        ("held=yes", {"hold"}, False),
        ("dormant=90", SPOKE, False),
        ("from_view=5&vip=yes", SPOKE, True),
    ],
)
def test_what_brings_somebody_to_a_list(query: str, kinds: set[str], new: bool, ada: ChatUser) -> None:
    assert is_new(query, ada, *kinds) is new


def test_who_is_put_under_a_hold_comes_to_the_list_of_the_held(ada: ChatUser) -> None:
    assert not is_new("held=yes&sort=name", ada, "hold")
    ChatUser.objects.filter(pk=ada.pk).update(held_at=NOW)
    assert is_new("held=yes&sort=name", ada, "hold")
    assert not is_new("held=yes&sort=name", ada, "vip")


@pytest.mark.parametrize("query", ["sort=first_contact", "sort=name&first_from=2020-01-01"])
def test_the_first_message_is_a_first_contact(query: str, ada: ChatUser) -> None:
    beginner = make_person("Bea", first_contact=timezone.now(), message_count=1)
    assert is_new(query, beginner, *SPOKE) and not is_new(query, ada, *SPOKE)


def test_a_tag_and_being_here_are_looked_up_anew(ada: ChatUser) -> None:
    query = "tag=billing&online=yes&sort=name"
    assert not is_new(query, ada, CAME) and not is_new(query, ada, "tags")
    tag = Tag.objects.create(name="Billing", name_folded="billing")
    Tagging.objects.create(chat_user=ada, tag=tag)
    assert not is_new(query, ada, "tags")
    presence.store().touch([(str(ada.uuid), "socket")])
    try:
        assert is_new(query, ada, CAME) and is_new(query, ada, "tags") and not is_new(query, ada, WROTE)
    finally:
        presence.discard(ada.uuid)


@pytest.mark.parametrize(
    ("query", "body", "new"),
    [
        ("q=refund&in=messages", "I want a Refund!", True),
        ("q=refund&in=messages", "I want my money", False),
        ("q=refu&in=messages", "I want a refund", False),
        ("q=refun&in=messages", "I want a refund", True),
        ("q=want+refund&in=messages", "I want a refund", True),
        ("q=%22want+refund%22&in=messages", "I want a refund", False),
        ("q=refund", "refund", True),
        ("q=refund&in=name", "refund", False),
        ("q=refund&vip=yes", "refund", True),
        ("q=refund&has_email=no", "refund", False),
        ("q=%E5%A4%A7%E9%98%AA&in=messages", "大阪です", True),
        ("q=!!!&in=messages", "!!!", False),
        ("q=refund&sent_from=2026-01-01&sent_to=2026-01-31", "refund", False),
    ],
)
def test_words_are_looked_for_in_what_was_just_said(query: str, body: str, new: bool, ada: ChatUser) -> None:
    assert finds(query, ada, body) is new


def test_a_search_of_messages_hears_of_words_alone(ada: ChatUser) -> None:
    for kind in (CREATED, CAME, "name"):
        assert not is_new("q=ada&in=messages", ada, kind)
    assert is_new("q=ada", ada, CAME)


def test_days_are_the_viewers(ada: ChatUser) -> None:
    late = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)
    query = "q=refund&in=messages&sent_from=2026-03-02"
    assert not finds(query, ada, "refund", late)
    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        assert finds(query, ada, "refund", late)


@pytest.fixture
def erased(ada: ChatUser) -> ChatUser:
    ChatUser.objects.update(erased_at=NOW)
    return ada


def test_the_erased_are_nobody(erased: ChatUser) -> None:
    assert not is_new("", erased, CREATED) and not finds("q=refund&in=messages", erased, "refund")


@pytest.mark.parametrize(
    "query",
    [
        "sort=foo",
        "active=8",
        "q=" + "x" * 201,
        "first_from=2026-02-31",
        "q=a&in=messages&sort=name",
        "x=1&" * 1_500,
    ],
)
def test_a_mistake_counts_nobody(query: str, ada: ChatUser) -> None:
    moved = {str(ada.uuid): Moved({CREATED, WROTE}, [1], 1.0)}
    assert arrivals.wanted(query).among(moved) == {}
    assert arrivals.arrived(query, moved, {1: Text("a", NOW)}) == set()


@pytest.mark.parametrize("query", ["", "q=ada", "vip=yes&tag=x&q=ada&in=messages"])
def test_few_questions_for_a_thousand_people(query: str, ada: ChatUser) -> None:
    ChatUser.objects.bulk_create(ChatUser(name="P", last_active=NOW, is_vip=True) for _ in range(999))
    everyone = [str(uuid) for uuid in ChatUser.objects.values_list("uuid", flat=True)]
    moved = {name: Moved(set(SPOKE), [1], 1.0) for name in everyone}
    arrivals.arrived(query, moved, {})
    with CaptureQueriesContext(connection) as captured:
        found = arrivals.arrived(query, moved, {1: Text("ada", NOW)})
    assert len(found) == (0 if "tag" in query else 1_000)
    assert 1 <= sum("SELECT" in asked["sql"] for asked in captured) <= 3
