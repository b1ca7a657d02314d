"""Saved views in a browser: saved from what is searched, changed, deleted, many of them; with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from search import saved_actions
from search.models import SavedView
from staff.models import Account
from tests.factories import make_person
from tests.visitor import Visitor
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


@pytest.fixture(autouse=True)
def people(transactional_db: None) -> list[ChatUser]:
    SavedView.objects.all().delete()
    return [make_person(name, is_vip=name != "Cyd") for name in ("Ada", "Bob", "Cyd")]


def rows(page: Page) -> Locator:
    return page.locator("tr[data-user]")


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Views", exact=True).get_by_role("link", name=name)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_search_is_saved_changed_and_deleted(scripts: bool, at_work: AtWork, support: Account) -> None:
    page = at_work(support, java_script_enabled=scripts).new_page()
    page.goto("/users/?vip=yes")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Big spenders")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(tab(page, "Big spenders")).to_have_attribute("aria-current", "page")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox").fill("ada")
    page.get_by_role("searchbox").press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(tab(page, "Big spenders")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile("from_view="))
    page.get_by_role("button", name="Save changes").click()
    expect(tab(page, "Big spenders")).to_have_attribute("aria-current", "page")
    expect(rows(page)).to_have_count(1)
    tab(page, "Everyone").click()
    expect(rows(page)).to_have_count(3)
    tab(page, "Big spenders").click()
    expect(page.get_by_role("searchbox")).to_have_value("ada")
    page.get_by_role("link", name="All views").click()
    page.get_by_role("link", name="Delete Big spenders").click()
    expect(page.locator("[data-losing='1']")).to_be_visible()
    page.get_by_role("button", name="Delete the view").click()
    expect(page.locator("[data-empty]")).to_contain_text("No views yet")


def test_a_name_that_is_taken_is_put_right(at_work: AtWork, support: Account) -> None:
    saved_actions.create_view(name="Mine", query="q=bob", is_shared=False, owner=support)
    page = at_work(support).new_page()
    page.goto("/users/?vip=yes")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("MINE")
    page.get_by_label("Everyone in the team sees it").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-error='name']")).to_contain_text("called so already")
    expect(page.get_by_label("Everyone in the team")).to_be_checked()
    page.get_by_label("Name").fill("Another")
    page.get_by_role("button", name="Save").click()
    expect(tab(page, "Another")).to_have_attribute("aria-current", "page")


def test_a_filtered_list_counts_who_is_new_to_it_and_the_pill_shows_them(
    at_work: AtWork, support: Account, visit: Callable[..., Visitor]
) -> None:
    page = at_work(support).new_page()
    page.goto("/users/?q=refund&in=messages")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    pill = page.locator('[data-slot="newcomers"]')
    for body in ("nice weather", "my refund", "another refund"):
        visitor = visit()
        visitor.hello()
        visitor.say(body)
    expect(pill).to_have_text("2 new people")
    pill.click()
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/users/\?q=refund&in=messages$"))
    expect(pill).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    scheme: str, width: int, at_work: AtWork, admin: Account
) -> None:
    names = [
        "W" * 60,
        "كل العملاء الذين ينتظرون الرد منذ أسبوع",
        "a b " * 15,
        *(f"View {at}" for at in range(27)),
    ]
    views = [
        saved_actions.create_view(
            name=name.strip(), query=f"min_messages={at + 1}", is_shared=at % 2 == 0, owner=admin
        )
        for at, name in enumerate(names)
    ]
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    last = views[-1].pk
    for address, opened in (
        (f"/users/?view={last}&vip=yes", ".views-more > summary"),
        (f"/users/?from_view={last}&vip=yes", ".views-new > summary"),
        ("/users/?view=0", None),
        ("/users/views/", None),
        (f"/users/views/{last}/", None),
        (f"/users/views/{last}/delete/", None),
    ):
        page.goto(address)
        if opened:
            page.locator(opened).click()
            expect(page.locator(".views [aria-current]")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], address
