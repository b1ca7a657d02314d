"""Saved views as tabs of the list: what an address means to whom, which tab is current, what may be saved."""

from __future__ import annotations

import re
from html import unescape
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from search import saved_actions
from search.models import SavedView
from staff.models import Account
from tests.factories import make_account, make_person
from tests.search.pages import asked, errors, names, text_of

pytestmark = pytest.mark.django_db
FIRST = import_module("search.migrations.0002_first_views")
PART = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def people() -> None:
    SavedView.objects.all().delete()
    make_person("Ada", "ada@site.example", is_vip=True)
    make_person("Bob", is_vip=True)
    make_person("Cyd", "cyd@site.example")


def keep(owner: Account, name: str, query: str, *, is_shared: bool = False) -> SavedView:
    return saved_actions.create_view(name=name, query=query, is_shared=is_shared, owner=owner)


def tabs(page: HttpResponse) -> list[str]:
    """The tabs after "Everyone", in order, those in the menu included."""
    return [unescape(name) for name in re.findall(r'data-view="\d+"[^>]*><bdi>(.*?)</bdi>', text_of(page))]


def current(page: HttpResponse) -> list[tuple[str, str]]:
    """The marked tabs, with their kind of mark."""
    bar = text_of(page).split('id="views"')[1].split('class="views-do"')[0]
    return [
        (re.sub("<.*", "", name), kind)
        for kind, name in re.findall(r'aria-current="(\w+)"[^>]*>(?:<bdi>)?([^<]*)', bar)
    ]


def kept(page: HttpResponse) -> str:
    """The query that "Save this view" would keep; "" where it isn't offered."""
    found = re.search(r'action="/users/views/">.*?name="query" value="([^"]*)"', text_of(page), re.DOTALL)
    return unescape(found[1]) if found else ""


def test_an_installation_begins_with_a_set_for_everyone(support_client: Client, admin_client: Client) -> None:
    FIRST.add(apps, None)
    for client in (support_client, admin_client):
        assert tabs(asked(client)) == ["Online", "VIP", "Anonymous", "Repeat visitors", "Dormant 90 days"]
    for view in SavedView.objects.all():
        page = asked(support_client, view=str(view.pk))
        assert errors(page) == set() and current(page) == [(view.name, "page")]
    vip = SavedView.objects.get(name="VIP")
    assert names(asked(support_client, view=str(vip.pk))) == ["Bob", "Ada"]
    FIRST.take_away(apps, None)
    assert not SavedView.objects.exists()


def test_everyone_is_there_without_any_view(support_client: Client) -> None:
    page = asked(support_client)
    assert current(page) == [("Everyone", "page")] and tabs(page) == []
    assert kept(page) == "" and "Save" not in text_of(page).split('class="views-do"')[1].split("</div>")[0]


def test_what_the_address_says_overrides_the_view(support: Account, support_client: Client) -> None:
    view = str(keep(support, "Mine", "vip=yes&sort=name").pk)
    assert names(asked(support_client, view=view)) == ["Ada", "Bob"]
    assert names(asked(support_client, view=view, sort="-name")) == ["Bob", "Ada"]
    assert names(asked(support_client, view=view, has_email="yes")) == ["Ada"]
    assert names(asked(support_client, view=view, vip="", sort="name")) == ["Ada", "Bob", "Cyd"]


@pytest.mark.parametrize(
    "view", ["0", "999999", "-1", "x", "1 OR 1=1", "9" * 30, "١", "1\0", "🎉", "%", "1.0"]
)
def test_an_unknown_view_is_named_and_the_list_is_there(view: str, support_client: Client) -> None:
    page = asked(support_client, view=view, has_email="yes")
    assert errors(page) == {"view"} and names(page) == ["Cyd", "Ada"]
    part = support_client.get("/users/", {"view": view}, headers=PART)
    assert part.status_code == 200 and errors(part) == {"view"} and len(names(part)) == 3
    assert part.headers["HX-Push-Url"] == "/users/"


def test_a_private_view_is_its_owners_alone(
    support: Account, admin: Account, support_client: Client, admin_client: Client
) -> None:
    mine = keep(support, "Mine", "vip=yes")
    shared = keep(support, "Ours", "has_email=yes", is_shared=True)
    assert tabs(asked(support_client)) == ["Mine", "Ours"]
    assert tabs(asked(admin_client)) == ["Ours"]
    page = asked(admin_client, view=str(mine.pk))
    assert errors(page) == {"view"} and len(names(page)) == 3 and "Mine" not in text_of(page)
    assert names(asked(admin_client, view=str(shared.pk))) == ["Cyd", "Ada"]


def test_a_link_from_a_private_view_spells_out_what_it_shows(
    support: Account, support_client: Client, admin_client: Client
) -> None:
    view = keep(support, "Mine", "vip=yes&has_email=yes")
    page = asked(support_client, view=str(view.pk))
    links = re.findall(r'<th[^>]*><a href="([^"]+)"', text_of(page))
    link = next(unescape(link) for link in links if "sort=name" in link)
    assert link == f"/users/?has_email=yes&vip=yes&sort=name&from_view={view.pk}"
    colleagues = admin_client.get(link)
    assert errors(colleagues) == set() and names(colleagues) == names(support_client.get(link)) == ["Ada"]


def test_a_changed_view_may_be_saved_or_kept_beside_it(support: Account, support_client: Client) -> None:
    view = keep(support, "Mine", "vip=yes")
    same = asked(support_client, view=str(view.pk))
    assert current(same) == [("Mine", "page")] and kept(same) == "" and "Save changes" not in text_of(same)
    changed = asked(support_client, vip="yes", q="ada", from_view=str(view.pk))
    assert current(changed) == [("Mine", "true")] and kept(changed) == "q=ada&vip=yes"
    assert "Save changes" in text_of(changed) and "Save as new view" in text_of(changed)
    spelled = asked(support_client, vip="yes")
    assert current(spelled) == [("Mine", "page")] and kept(spelled) == ""
    other = asked(support_client, q="ada")
    assert current(other) == [] and kept(other) == "q=ada" and "Save this view" in text_of(other)
    nothing = asked(support_client, from_view=str(view.pk))
    assert current(nothing) == [("Everyone", "page")] and "Save changes" not in text_of(nothing)


def test_the_team_changes_its_views_through_their_owner_or_an_admin(
    support: Account, support_client: Client, admin_client: Client
) -> None:
    view = keep(make_account("olu@team.example"), "Ours", "vip=yes", is_shared=True)
    changed = {"q": "ada", "from_view": str(view.pk)}
    assert "Save as new view" in text_of(asked(support_client, **changed))
    assert "Save changes" not in text_of(asked(support_client, **changed))
    assert "Save changes" in text_of(asked(admin_client, **changed))


def test_a_part_brings_the_tabs_anew(support: Account, support_client: Client) -> None:
    view = keep(support, "Mine", "vip=yes")
    part = support_client.get("/users/", {"q": "ada", "from_view": str(view.pk)}, headers=PART)
    assert 'id="views" hx-swap-oob="true"' in text_of(part) and current(part) == [("Mine", "true")]
    assert part.headers["HX-Push-Url"] == f"/users/?q=ada&from_view={view.pk}"
    assert "hx-swap-oob" not in text_of(asked(support_client)).split('id="views"')[1].split(">")[0]


@pytest.mark.parametrize("from_view", ["0", "x", "999999", "9" * 30, "\0"])
def test_what_a_list_began_as_decides_nothing(from_view: str, support_client: Client) -> None:
    page = asked(support_client, vip="yes", from_view=from_view)
    assert errors(page) == set() and len(names(page)) == 2
    assert "from_view" not in text_of(page)


def test_thirty_tabs_are_a_row_and_a_menu_with_the_current_one_in_sight(
    support: Account, support_client: Client
) -> None:
    for at in range(30):
        keep(support, f"View {at} " + "W" * 50, f"min_messages={at + 1}")
    page = asked(support_client)
    row, menu = text_of(page).split('class="menu views-more"')
    assert (row.count("data-view="), menu.count("data-view=")) == (8, 22)
    last = SavedView.objects.get(query="min_messages=30")
    row, menu = text_of(asked(support_client, view=str(last.pk))).split('class="menu views-more"')
    assert (row.count("data-view="), menu.count("data-view=")) == (9, 21)
    assert f'data-view="{last.pk}" aria-current="page"' in row


def test_one_question_to_the_database_however_many_tabs(support: Account, support_client: Client) -> None:
    counts = []
    for more in (1, 20):
        for at in range(more):
            keep(support, f"{more} {at}", f"min_messages={at + 1}", is_shared=at % 2 == 0)
        asked(support_client)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            asked(support_client)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_names_stay_words(support: Account, support_client: Client) -> None:
    keep(support, '<b>&"', "vip=yes")
    keep(support, "כל האנשים", "has_email=yes")
    page = asked(support_client)
    assert tabs(page) == ['<b>&"', "כל האנשים"] and "<b>&" not in text_of(page)
