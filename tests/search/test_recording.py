"""A search is a line of the audit log: by which filters, how many were found, and never a word of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from search import recording
from search.saved_actions import create_view
from staff.models import Account, AuditEntry
from tests.factories import make_person

pytestmark = pytest.mark.django_db
CANARY = "zebrafinch9041"
SEARCHED = ["users.searched", "conversations.searched"]


@pytest.fixture(autouse=True)
def fresh_minute() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def lines() -> list[tuple[str, dict[str, object]]]:
    found = AuditEntry.objects.filter(verb__in=SEARCHED).order_by("pk")
    return [(entry.verb, entry.detail) for entry in found]


def test_a_search_names_its_filters_and_how_many_it_found(support_client: Client, support: Account) -> None:
    make_person(f"Ada {CANARY}")
    make_person("Bo")
    support_client.get("/users/", {"q": CANARY, "in": "name", "has_email": "no"})
    assert lines() == [("users.searched", {"filters": ["has_email", "q"], "found": 1, "and_more": False})]
    entry = AuditEntry.objects.get(verb="users.searched")
    assert (entry.actor, entry.person_hash) == (support, "")


def test_a_list_that_leaves_nobody_out_is_no_search(support_client: Client) -> None:
    make_person("Ada")
    for query in ("", "q=", "q=%20%20", "sort=name", "in=name", "has_email=perhaps", "unknown=1"):
        support_client.get(f"/users/?{query}")
        support_client.get(f"/conversations/?{query}")
    assert lines() == []


def test_conversations(support_client: Client) -> None:
    support_client.get("/conversations/", {"q": CANARY, "unread": "yes"})
    assert lines() == [
        ("conversations.searched", {"filters": ["q", "unread"], "found": 0, "and_more": False})
    ]


def test_typing_a_word_is_one_line_and_another_filter_another(support_client: Client) -> None:
    for end in range(3, len(CANARY)):
        support_client.get("/users/", {"q": CANARY[:end]}, headers={"HX-Request": "true"})
    assert [detail["filters"] for _, detail in lines()] == [["q"]]
    support_client.get("/users/", {"q": CANARY, "vip": "yes"})
    assert [detail["filters"] for _, detail in lines()] == [["q"], ["q", "vip"]]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What was put into the cache to remember a search by."""
    given: list[tuple[object, ...]] = []
    real = cache.add

    def add(*put: object) -> bool:
        given.append(put)
        return bool(real(*put))

    monkeypatch.setattr(recording.cache, "add", add)
    return given


def test_a_minute_later_it_is_told_again(support_client: Client, kept: list[tuple[object, ...]]) -> None:
    support_client.get("/users/", {"q": CANARY})
    support_client.get("/users/", {"q": CANARY})
    assert [put[2] for put in kept] == [60, 60] and len(lines()) == 1
    cache.clear()
    support_client.get("/users/", {"q": CANARY})
    assert len(lines()) == 2


def test_each_member_of_staff_is_told_of(
    support: Account, admin: Account, signed_in: Callable[[Account], Client]
) -> None:
    for account in (support, admin):
        signed_in(account).get("/users/", {"q": CANARY})
    actors = AuditEntry.objects.filter(verb="users.searched").order_by("pk").values_list("actor", flat=True)
    assert list(actors) == [support.pk, admin.pk]


def test_no_word_is_kept_in_table_log_or_cache(
    support_client: Client,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    kept: list[tuple[object, ...]],
) -> None:
    make_person(CANARY)
    page = support_client.get("/users/", {"q": CANARY, "tag": [f"t{CANARY}"]}).content.decode()
    support_client.get("/conversations/", {"q": CANARY})
    assert CANARY in page  # it was searched for
    assert len(lines()) == 2 and len(kept) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM staff_auditentry")
        rows = str(cursor.fetchall())
    said = capfd.readouterr()
    assert "users.searched" in rows
    for place in (
        rows,
        json.dumps([detail for _, detail in lines()]),
        str(kept),
        said.out,
        said.err,
        caplog.text,
    ):
        assert CANARY not in place


def test_a_saved_view_is_told_by_its_filters(support_client: Client, support: Account) -> None:
    view = create_view(name="Secret", query=f"q={CANARY}&vip=yes", is_shared=False, owner=support)
    support_client.get("/users/", {"view": str(view.pk)})
    assert [detail["filters"] for _, detail in lines()] == [["q", "vip"]]
