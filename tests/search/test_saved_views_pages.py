"""Saving, renaming, sharing, changing and deleting views: what is kept, who may, what is refused and written down."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from search import saved, saved_actions
from search.models import SavedView
from staff.models import Account, AuditEntry
from tests.factories import make_account
from tests.search.pages import errors, text_of
from tests.threads import together

pytestmark = pytest.mark.django_db
VIEWS = "/users/views/"


@pytest.fixture(autouse=True)
def none() -> None:
    SavedView.objects.all().delete()


def keep(owner: Account, name: str, query: str = "vip=yes", *, is_shared: bool = False) -> SavedView:
    return saved_actions.create_view(name=name, query=query, is_shared=is_shared, owner=owner)


def page_of(view: SavedView) -> str:
    return f"{VIEWS}{view.pk}/"


def refused(response: HttpResponse) -> set[str]:
    assert response.status_code == 422
    return errors(response)


def written() -> list[tuple[str, dict]]:
    return list(
        AuditEntry.objects.filter(verb__startswith="view.").order_by("pk").values_list("verb", "detail")
    )


def test_a_stranger_is_sent_to_sign_in(stranger: Client, support: Account) -> None:
    for address in (VIEWS, page_of(keep(support, "Mine")), page_of(keep(support, "Other")) + "delete/"):
        assert stranger.get(address).headers["Location"].startswith("/login/")
        assert stranger.post(address, {"name": "x"}).status_code == 302
    assert set(SavedView.objects.values_list("name", flat=True)) == {"Mine", "Other"}


def test_a_search_is_kept_and_opened(support: Account, support_client: Client) -> None:
    answer = support_client.post(VIEWS, {"name": "  Big   spenders ", "query": "vip=yes&q=ada"})
    view = SavedView.objects.get()
    assert answer.headers["Location"] == f"/users/?view={view.pk}"
    assert (view.name, view.query, view.is_shared, view.owner) == (
        "Big spenders",
        "q=ada&vip=yes",
        False,
        support,
    )
    assert "“Big spenders” is saved" in text_of(support_client.get(answer.headers["Location"]))
    assert written() == []


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?vip=yes", "vip=yes"),
        ("vip=yes&foo=bar&sort=last_active&in=any&csrfmiddlewaretoken=x", "vip=yes"),
        ("vip=yes&after=m1_1&before=x&view=5&from_view=5", "vip=yes"),
        ("vip=yes&sort=foo&first_from=2026-02-31&min_messages=-1&online=maybe", "vip=yes"),
        ("vip=no&vip=yes", "vip=yes"),
        ("tag=&tag=a%20b&tag=%20&tag=c", "tag=a+b&tag=c"),
        ("q=%E2%80%8F%D7%A9%F0%9F%8E%89%26%3D%23", "q=%E2%80%8F%D7%A9%F0%9F%8E%89%26%3D%23"),
        ("vip=yes&q=a%00b", "vip=yes"),
    ],
)
def test_only_what_the_list_understands_is_kept(query: str, kept: str, support_client: Client) -> None:
    assert support_client.post(VIEWS, {"name": "Mine", "query": query}).status_code == 302
    view = SavedView.objects.get()
    assert view.query == kept
    assert support_client.post(page_of(view), {"query": view.query}).status_code == 302
    assert SavedView.objects.get().query == kept


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "", "query": "vip=yes"}, "name"),
        ({"name": "x" * 61, "query": "vip=yes"}, "name"),
        ({"name": "a\nb", "query": "vip=yes"}, "name"),
        ({"name": "a\0b", "query": "vip=yes"}, "name"),
        ({"name": "\u200b\u200f", "query": "vip=yes"}, "name"),
        ({"name": "everyone", "query": "vip=yes"}, "name"),
        ({"name": "Mine"}, "query"),
        ({"name": "Mine", "query": "sort=foo"}, "query"),
        ({"name": "Mine", "query": "vip=yes&" + "x=1&" * 1_500}, "query"),
        ({"name": "Mine", "query": "q=a&" + "x" * 8_000}, "query"),
        ({"name": "Mine", "query": "vip=yes", "shared": "maybe"}, "shared"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_typed_is_lost(
    given: dict[str, str], field: str, support_client: Client
) -> None:
    answer = support_client.post(VIEWS, given)
    assert refused(answer) == {field}
    shown = re.search(r'name="name" id="view-name" value="([^"]*)"', text_of(answer))
    assert shown and unescape(shown[1]) == given["name"]
    assert not SavedView.objects.exists()


def test_a_name_is_there_once_for_each_and_once_in_the_team(support_client: Client, support: Account) -> None:
    olu = make_account("olu@team.example")
    keep(support, "Élodie")
    keep(olu, "Team", is_shared=True)
    keep(olu, "His own")
    assert refused(support_client.post(VIEWS, {"name": "ELODIE", "query": "vip=yes"})) == {"name"}
    assert refused(support_client.post(VIEWS, {"name": "team", "query": "vip=yes", "shared": "yes"})) == {
        "name"
    }
    assert support_client.post(VIEWS, {"name": "team", "query": "vip=yes"}).status_code == 302
    assert support_client.post(VIEWS, {"name": "His own", "query": "vip=yes"}).status_code == 302
    mine = SavedView.objects.get(owner=support, name="team")
    assert refused(support_client.post(page_of(mine), {"shared": "yes"})) == {"name"}
    assert refused(support_client.post(page_of(mine), {"name": "his OWN"})) == {"name"}


def test_so_many_and_no_more(
    support: Account, support_client: Client, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_actions, "MOST_OWN", 2)
    monkeypatch.setattr(saved_actions, "MOST_SHARED", 1)
    first = keep(support, "one")
    keep(support, "two", is_shared=True)
    answer = support_client.post(VIEWS, {"name": "three", "query": "vip=yes"})
    assert refused(answer) == {"name"} and "You have 2 views already" in text_of(answer)
    assert refused(support_client.post(page_of(first), {"shared": "yes"})) == {"shared"}
    with pytest.raises(saved_actions.TooManyViews):
        keep(admin, "theirs", is_shared=True)
    assert keep(admin, "theirs").pk
    assert saved.MOST_OWN == 50


def test_the_parts_that_are_sent_change_and_the_others_stay(support: Account, support_client: Client) -> None:
    view = keep(support, "Mine")
    for sent, now in (
        ({"query": "q=ada"}, ("Mine", "q=ada", False)),
        ({"name": "Renamed"}, ("Renamed", "q=ada", False)),
        ({"shared": "yes"}, ("Renamed", "q=ada", True)),
        ({"name": "Again", "shared": "no"}, ("Again", "q=ada", False)),
        ({}, ("Again", "q=ada", False)),
    ):
        answer = support_client.post(page_of(view), sent)
        assert answer.headers["Location"] == f"/users/?view={view.pk}"
        view.refresh_from_db()
        assert (view.name, view.query, view.is_shared) == now
    assert refused(support_client.post(page_of(view), {"name": ""})) == {"name"}
    assert refused(support_client.post(page_of(view), {"query": ""})) == {"query"}
    assert written() == [
        ("view.changed", {"view": view.pk, "fields": ["is_shared"]}),
        ("view.changed", {"view": view.pk, "fields": ["name", "is_shared"]}),
    ]


def test_what_happens_to_a_shared_one_is_written_down_without_its_words(
    support: Account, support_client: Client
) -> None:
    support_client.post(VIEWS, {"name": "Greta Holm", "query": "q=greta", "shared": "yes"})
    view = SavedView.objects.get()
    support_client.post(page_of(view), {"query": "q=holm"})
    support_client.post(page_of(view), {"query": "q=holm"})
    support_client.post(page_of(view) + "delete/")
    assert written() == [
        ("view.created", {"view": view.pk}),
        ("view.changed", {"view": view.pk, "fields": ["query"]}),
        ("view.deleted", {"view": view.pk}),
    ]


def test_who_may_change_what(
    support: Account, support_client: Client, admin_client: Client, admin: Account
) -> None:
    olu = make_account("olu@team.example")
    private, shared = keep(olu, "Private"), keep(olu, "Shared", "q=b", is_shared=True)
    for address in (page_of(private), page_of(private) + "delete/"):
        for client in (support_client, admin_client):
            assert client.get(address).status_code == client.post(address, {"name": "x"}).status_code == 404
    for address in (page_of(shared), page_of(shared) + "delete/"):
        assert support_client.get(address).status_code == 403
        assert support_client.post(address, {"name": "x"}).status_code == 403
        assert admin_client.get(address).status_code == 200
    listed = text_of(support_client.get(VIEWS))
    assert "Shared" in listed and page_of(shared) not in listed and "Private" not in listed
    assert page_of(shared) in text_of(admin_client.get(VIEWS))
    assert admin_client.post(page_of(shared), {"shared": "no"}).headers["Location"] == VIEWS
    shared.refresh_from_db()
    assert not shared.is_shared and admin_client.get(page_of(shared)).status_code == 404


def test_the_installations_are_the_teams_for_good(admin_client: Client, support_client: Client) -> None:
    view = SavedView.objects.create(
        name="VIP", name_folded="vip", query="vip=yes", is_shared=True, position=0
    )
    assert support_client.post(page_of(view), {"name": "x"}).status_code == 403
    assert refused(admin_client.post(page_of(view), {"shared": "no"})) == {"shared"}
    assert admin_client.post(page_of(view), {"name": "Very"}).status_code == 302
    assert admin_client.post(page_of(view) + "delete/").status_code == 302
    assert not SavedView.objects.exists()


def test_a_deletion_says_first_who_loses_it(support: Account, support_client: Client, admin: Account) -> None:
    private, shared = keep(support, "Mine"), keep(support, "Ours", "q=b", is_shared=True)
    make_account("gone@team.example", is_active=False)
    assert 'data-losing="1"' in text_of(support_client.get(page_of(private) + "delete/"))
    page = text_of(support_client.get(page_of(shared) + "delete/"))
    assert 'data-losing="2"' in page and "2 members of staff lose this tab" in page
    assert SavedView.objects.count() == 2
    support_client.post(page_of(shared) + "delete/")
    assert SavedView.objects.get() == private
    assert support_client.post(page_of(shared) + "delete/").status_code == 404


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_view_that_is_not_there(number: str, support_client: Client) -> None:
    for address in (f"{VIEWS}{number}/", f"{VIEWS}{number}/delete/"):
        assert support_client.get(address).status_code == 404
        assert support_client.post(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_at_once_keep_to_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_actions, "MOST_OWN", 3)
    SavedView.objects.all().delete()
    sam = make_account("sam@team.example")
    keep(sam, "first")
    done = together(*[lambda at=at: keep(sam, f"view {at}") for at in range(4)])
    assert sum(isinstance(one, SavedView) for one in done) == 2
    assert sum(isinstance(one, saved_actions.TooManyViews) for one in done) == 2
    assert SavedView.objects.count() == 3
    assert len(set(SavedView.objects.values_list("position", flat=True))) == 3
