"""A walk over the pages by their links meets everyone once, both ways, in every order, with and without a search."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from chatadmin.lib.tokens import folded
from search import queries
from tests.search.pages import link, uuids
from users.models import ChatUser

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SORTS = [f"{way}{name}" for name in ("last_active", "first_contact", "messages", "name") for way in ("", "-")]


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ties, and many without a value, also across the edges of pages."""
    monkeypatch.setattr(queries, "PAGE_SIZE", 4)
    ChatUser.objects.bulk_create(
        ChatUser(
            name=(name := f"Person {at % 3}" if at % 4 else ""),
            name_folded=folded(name),
            email=f"p{at}@site.example",
            email_folded=f"p{at}@site.example",
            last_active=T + dt.timedelta(days=at % 3) if at % 5 else None,
            first_contact=T + dt.timedelta(days=at // 7) if at % 3 else None,
            message_count=at % 3,
        )
        for at in range(23)
    )


def walk(client: Client, address: str | None, rel: str) -> list[list[str]]:
    pages: list[list[str]] = []
    while address:
        response = client.get(address)
        assert response.status_code == 200
        pages.append(uuids(response))
        address = link(response, rel)
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize("search", ["", "&q=site.example", "&q=p&in=email"])
@pytest.mark.parametrize("sort", SORTS)
def test_everyone_once_both_ways(sort: str, search: str, support_client: Client) -> None:
    start = f"/users/?sort={sort}{search}"
    pages = walk(support_client, start, "next")
    met = [uuid for part in pages for uuid in part]
    assert sorted(met) == sorted(str(person.uuid) for person in ChatUser.objects.all())
    assert [len(part) for part in pages] == [4, 4, 4, 4, 4, 3]

    address: str | None = start
    while (following := link(support_client.get(address or ""), "next")) is not None:
        address = following
    back = walk(support_client, address, "prev")
    assert [uuid for part in reversed(back) for uuid in part] == met


def test_of_more_than_can_be_counted_too(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COUNTED", 10)
    pages = walk(support_client, "/users/?q=site.example", "next")
    assert sum(len(part) for part in pages) == len({uuid for part in pages for uuid in part}) == 23
