"""`/exports/list/`: who may ask for it, for whom, and what it refuses."""

from __future__ import annotations

import uuid
from html import unescape
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from chatadmin.lib.limits import LocalLimits, Quota
from exports import list_views
from search import everyone
from search.models import SavedView
from staff.models import Account, AuditEntry, Role
from staff.permissions import MATRIX
from tests.exports.listing import exported, posted, table
from tests.factories import make_messages, make_person
from tests.search.bulking import errors_of, make_crowd, text_of
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_views, "LISTS", Quota(100_000, 600))


# -- who


def test_everybody_on_the_team_and_nobody_else(
    stranger: Client, support_client: Client, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")
    for client in (support_client, admin_client):
        assert [row["uuid"] for row in exported(client)] == [str(person.uuid)]
    response = posted(stranger)
    assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/login/")
    assert AuditEntry.objects.count() == 2
    monkeypatch.setitem(MATRIX, "users.export", frozenset({Role.ADMIN.value}))
    assert posted(support_client).status_code == 403
    assert posted(admin_client).status_code == 200


def test_only_a_post_from_our_own_pages(admin: Account, admin_client: Client) -> None:
    assert admin_client.get("/exports/list/?format=csv").status_code == 405
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert posted(careful).status_code == 403
    assert not AuditEntry.objects.exists()


def test_the_audit_log_says_what_but_no_words(support_client: Client, support: Account) -> None:
    person = make_person("Ana", "ana@site.example")
    response = posted(support_client, "q=ana&has_email=yes&sort=name&after=", "csv")
    assert response.headers["Cache-Control"] == "no-store"
    today = timezone.now()
    name = f"chatadmin-users-{today:%Y%m%d}.csv"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    posted(support_client, "q=ana", "json", user=[str(person.uuid)])
    first, second = AuditEntry.objects.order_by("pk")
    assert (first.actor, first.verb, first.person_hash) == (support, "list.exported", "")
    assert first.detail == {"format": "csv", "parameters": 3, "ticked": 0}
    assert second.detail == {"format": "json", "parameters": 1, "ticked": 1}


# -- for whom


def test_those_who_are_ticked_in_their_order(support_client: Client) -> None:
    people = make_crowd(6)
    wanted = [str(people[at].uuid) for at in (4, 1, 3)]
    assert [row["uuid"] for row in exported(support_client, user=wanted)] == wanted
    ChatUser.objects.filter(pk=people[1].pk).update(erased_at=timezone.now())
    assert [row["uuid"] for row in exported(support_client, user=wanted)] == [wanted[0], wanted[2]]
    assert len(exported(support_client, user=wanted, all="yes")) == 5


def test_the_ticked_with_the_message_beside_them(support_client: Client) -> None:
    refund, other, named = make_person("Ana"), make_person("Bo"), make_person("Refund Office")
    for person in (refund, other, named):
        make_messages(person, ("visitor", "refund the first"), ("visitor", "the last refund"))
    ticked = [str(person.uuid) for person in (named, other, refund)]
    found = {row["name"]: row["found"] for row in exported(support_client, "q=refund", user=ticked)}
    assert found == {"Refund Office": None, "Bo": "the last refund", "Ana": "the last refund"}
    rows = table(support_client, "q=refund&in=messages", user=ticked)
    assert [row["found"] for row in rows] == ["the last refund"] * 3


@pytest.mark.parametrize(
    ("ticked", "message"),
    [
        ([str(uuid.uuid4()) for _ in range(201)], "No more than 200 people"),
        (["7f3a2c91"], "can't be found"),
    ],
)
def test_ticks_that_cannot_be_taken(ticked: list[str], message: str, support_client: Client) -> None:
    make_person("Ana")
    response = posted(support_client, user=ticked)
    assert response.status_code == 422
    assert message in errors_of(response)["user"]  # type: ignore[arg-type]
    assert 'action="/exports/list/"' not in response.content.decode()  # type: ignore[attr-defined]


# -- what is refused


@pytest.mark.parametrize("form", ["", "xml", "CSV", "csv\x00"])
def test_another_format_is_refused_and_can_be_put_right(form: str, support_client: Client) -> None:
    person = make_person("Ana")
    query = 'q="ana" & co&in=name'
    response = posted(support_client, query, form, user=[str(person.uuid)])
    page = response.content.decode()  # type: ignore[attr-defined]
    assert response.status_code == 422
    assert "Choose JSON or CSV." in errors_of(response)["format"]  # type: ignore[arg-type]
    assert f'name="user" value="{person.uuid}"' in page
    [back] = {part.split('"')[0] for part in page.split('href="/users/?')[1:]}
    assert unescape(back) == "q=%22ana%22+&+co=&in=name"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("has_email=maybe", "Has e-mail"),
        ("first_from=2026-02-31", "First contact from"),
        ("vip=yes&min_messages=lots", "Messages, at least"),
        ("q=" + "word+" * 41 + "&in=messages", "Search"),
        ("q=" + "x" * 201, "Search"),
        ("tag=" + "x" * 41, "Tag"),
    ],
)
def test_a_mistake_in_the_search_never_exports_everyone(
    query: str, field: str, support_client: Client
) -> None:
    make_crowd(2)
    for fields in ({}, {"all": "yes"}):
        response = posted(support_client, query, "csv", **fields)
        page = response.content.decode()  # type: ignore[attr-defined]
        assert response.status_code == 422
        assert f"{field}:" in errors_of(response)["query"]  # type: ignore[arg-type]
        assert 'action="/exports/list/"' not in page, "nothing to press that would export everyone"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("query", ["q=" + "x" * 8_000, "&".join(["tag=a"] * 600), "\x00"])
def test_what_is_no_search_is_refused(query: str, support_client: Client) -> None:
    response = posted(support_client, query)
    assert response.status_code == 422
    assert "query" in errors_of(response)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    [
        "after=nonsense",
        "sort=size",
        "unknown=1",
        "?q=",
        "q=crowd&after=m5_3",
        quote("q=\ud800", errors="surrogatepass"),
    ],
)
def test_what_the_list_passes_over_is_passed_over(query: str, support_client: Client) -> None:
    make_crowd(3)
    assert len(exported(support_client, query)) == (0 if "D8" in query.upper() else 3)


def test_a_saved_view_is_what_it_holds(support_client: Client, support: Account, admin: Account) -> None:
    people = make_crowd(3)
    make_person("Ana")
    kept = {"name": "Crowd", "name_folded": "crowd", "query": "q=crowd&in=name", "position": 1}
    view = SavedView.objects.create(owner=support, **kept)
    assert len(exported(support_client, f"view={view.pk}")) == 3
    assert [row["name"] for row in exported(support_client, f"view={view.pk}&q=wd+2")] == [people[2].name]
    SavedView.objects.filter(pk=view.pk).update(owner=admin)
    response = posted(support_client, f"view={view.pk}")
    assert response.status_code == 422
    assert "somebody else" in errors_of(response)["query"]  # type: ignore[arg-type]


def test_too_many_lists_are_refused(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_views, "LISTS", Quota(2, 600))
    counted = LocalLimits()
    monkeypatch.setattr(list_views, "limits", lambda: counted)
    assert [posted(support_client).status_code for _ in range(3)] == [200, 200, 429]
    assert AuditEntry.objects.count() == 2


def test_what_takes_too_long_to_find_is_refused(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "refund"))
    monkeypatch.setattr(everyone, "STEP_SECONDS", 0)
    response = posted(support_client, "q=refund&in=messages", user=[str(person.uuid)])
    assert response.status_code == 422
    assert "Narrow the search" in text_of(response)  # type: ignore[arg-type]
