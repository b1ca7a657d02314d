"""The list in a browser: search as one types, keys, what moves, and axe."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from staff.models import Account
from tests.factories import make_messages, make_person, make_visit
from tests.frames import Frames
from tests.visitor import Visitor
from users.models import ChatUser, Tag, Tagging

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


@pytest.fixture
def people(transactional_db: None) -> list[ChatUser]:
    now = timezone.now()
    names = ["Mariam Okafor", "Greta Holm", "Tomás Lindqvist"]
    return [
        make_person(name, f"p{at}@site.example", last_active=now - dt.timedelta(hours=at + 1))
        for at, name in enumerate(names)
    ]


@pytest.fixture
def page(at_work: AtWork, support: Account, people: list[ChatUser]) -> Page:
    page = at_work(support).new_page()
    page.goto("/users/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def rows(page: Page) -> Locator:
    return page.locator("tr[data-user]")


def test_typing_searches_and_back_leads_back(page: Page) -> None:
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("okaf")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Mariam Okafor")
    expect(page.locator("#found")).to_have_text("1 person")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/users/\?q=okaf$"))
    page.get_by_label("Search in").select_option("email")
    expect(page.locator("[data-empty]")).to_contain_text("Nobody matches “okaf”")
    expect(page).to_have_url(re.compile(r"/users/\?q=okaf&in=email$"))
    page.go_back()
    expect(rows(page)).to_have_count(1)
    page.go_back()
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_what_a_search_brings_moves_too(
    at_work: AtWork, support: Account, people: list[ChatUser], visit: Callable[..., Visitor]
) -> None:
    tab = visit()
    tab.hello()
    page = at_work(support).new_page()
    frames = Frames(page)
    page.goto("/users/?q=okaf")
    page.get_by_role("searchbox").fill(tab.user["id"])
    frames.wait_for(f"[data-user='{tab.user['id']}']")
    expect(rows(page).locator('[data-presence="online"]')).to_be_visible()
    tab.send("typing", on=True)
    expect(rows(page).locator('[data-typing="true"]')).to_have_text("typing…")
    tab.say("Hello?")
    expect(rows(page).locator('[data-typing="false"]')).to_be_empty()
    expect(rows(page).locator('[data-field="messages"]')).to_have_text("1")
    expect(rows(page).locator('[data-slot="unread"]')).to_have_text("1 unread")
    expect(page.locator('nav [data-slot="nav-unread"]')).to_have_text("1 unread")


def test_newcomers_are_counted_and_the_link_shows_them(page: Page, visit: Callable[..., Visitor]) -> None:
    pill = page.locator('[data-slot="newcomers"]')
    expect(pill).to_be_hidden()
    visit().hello()
    expect(pill).to_have_text("1 new person")
    pill.click()
    expect(rows(page)).to_have_count(4)
    expect(pill).to_be_hidden()


def test_keys_walk_the_rows_and_open_one(page: Page, people: list[ChatUser]) -> None:
    links = page.locator("[data-row-link]")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    for _ in range(5):
        page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/users/{people[1].uuid}/$"))


def test_keys_are_letters_where_one_writes_and_modified_keys_are_the_browsers(page: Page) -> None:
    box = page.get_by_role("searchbox")
    box.focus()
    page.keyboard.type("j?/k")
    expect(box).to_have_value("j?/k")
    page.keyboard.press("Escape")
    expect(box).not_to_be_focused()
    page.keyboard.press("Control+j")
    expect(page.locator("[data-row-link]:focus")).to_have_count(0)


def test_the_help_explains_and_turns_the_keys_off(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator("[data-row-link]:focus")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(page.locator("[data-row-link]").first).to_be_focused()


def test_the_whole_row_is_a_link(page: Page, people: list[ChatUser]) -> None:
    rows(page).nth(1).locator('[data-field="messages"]').click(force=True)
    expect(page).to_have_url(re.compile(rf"/users/{people[1].uuid}/$"))


def test_a_search_that_fails_is_said_until_one_works(page: Page) -> None:
    banner = page.locator("[data-request-failed]")
    address = re.compile(r"/users/\?")
    page.route(address, lambda route: route.abort())
    page.get_by_role("searchbox").fill("okaf")
    expect(banner).to_be_visible()
    page.unroute(address)
    page.get_by_role("searchbox").fill("okafor")
    expect(rows(page)).to_have_count(1)
    expect(banner).to_be_hidden()


def test_times_are_the_browsers(at_work: AtWork, support: Account, people: list[ChatUser]) -> None:
    make_messages(people[0], ("visitor", "Hello"), start=dt.datetime(2025, 3, 3, 23, 30, tzinfo=dt.UTC))
    page = at_work(support).new_page()
    page.goto("/users/")
    expect(rows(page).first.locator('[data-field="first_contact"]')).to_have_text("4 Mar 2025")
    expect(rows(page).first.locator('[data-field="first_contact"] time')).to_have_attribute(
        "title", "4 Mar 2025, 00:30:00"
    )


def test_without_scripts_it_searches_sorts_and_pages(
    at_work: AtWork, support: Account, people: list[ChatUser]
) -> None:
    ChatUser.objects.bulk_create(ChatUser(name="P", last_active=None) for _ in range(60))
    page = at_work(support, java_script_enabled=False).new_page()
    page.goto("/users/")
    page.get_by_role("link", name="Messages", exact=True).click()
    page.get_by_role("link", name="Next").click()
    expect(rows(page)).to_have_count(13)
    page.get_by_role("searchbox").fill("okaf")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("sort=messages"))


def test_the_menu_of_a_narrow_page(at_work: AtWork, admin: Account, people: list[ChatUser]) -> None:
    page = at_work(admin, viewport={"width": 360, "height": 740}).new_page()
    page.goto("/users/")
    team = page.get_by_role("link", name="Team")
    expect(team).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(team).to_be_visible()
    page.keyboard.press("Escape")
    expect(team).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    team.click()
    expect(page).to_have_url(re.compile("/team/$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900, 1280, 1920])
def test_axe_finds_nothing_and_nothing_sticks_out(
    scheme: str, width: int, at_work: AtWork, admin: Account, people: list[ChatUser]
) -> None:
    long = make_person("عبد الرحمن " * 18, "a" * 60 + "@" + "b" * 60 + ".example", is_vip=True, visit_count=3)
    make_person("W" * 200, blocked_at=timezone.now())
    make_person()
    make_visit(people[0])
    make_messages(people[0], ("visitor", "Hello?"))
    for at in range(8):
        tag = Tag.objects.create(name=f"tag number {at}", name_folded=f"tag number {at}")
        Tagging.objects.create(chat_user=long, tag=tag)
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    for address in ("/users/", "/users/?q=nobody&sort=foo", "/users/?sort=-name"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def test_on_a_telephone_all_sorts_stand_in_one_row(
    at_work: AtWork, admin: Account, people: list[ChatUser]
) -> None:
    page = at_work(admin, viewport={"width": 360, "height": 740}).new_page()
    page.goto("/users/")
    links = page.locator(".people thead a")
    expect(links).to_have_count(4)
    assert len({round(box["y"]) for box in map(Locator.bounding_box, links.all()) if box}) == 1
