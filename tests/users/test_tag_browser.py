"""Tags in a browser: completed as one types, changed where they stand, and axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from staff.models import Account
from tests.factories import make_person
from tests.users.tags import make_people, make_tag, names_on
from users.models import ChatUser, Tag, TagColor

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


@pytest.fixture
def person(server: object) -> ChatUser:
    return make_person("Ada Lovelace", is_vip=True, vip_reason="Press " * 30, visit_count=3)


@pytest.fixture
def page(at_work: AtWork, admin: Account, person: ChatUser) -> Page:
    page = at_work(admin).new_page()
    page.goto(f"/users/{person.uuid}/")
    page.get_by_text("+ tag").click()
    return page


def test_a_known_tag_is_completed_by_keys_whatever_its_accents(page: Page, person: ChatUser) -> None:
    for name in ("Zürich", "Zug", "other"):
        make_tag(name)
    field, options = page.get_by_role("combobox", name="Tag to add"), page.get_by_role("option")
    page.get_by_label("Tag to add").press_sequentially("ZUR")
    expect(options).to_have_text(["Zürich"])
    page.keyboard.press("Backspace")
    expect(options).to_have_text(["Zug", "Zürich"])
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option", selected=True)).to_have_text("Zürich")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Zürich")
    expect(options).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".pills [data-slot=tags]")).to_contain_text("Zürich")
    assert names_on(person) == ["Zürich"]


def test_escape_closes_the_list_first_and_then_the_menu(page: Page) -> None:
    make_tag("billing", color=TagColor.BLUE)
    page.get_by_label("Tag to add").press_sequentially("b")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(page.get_by_label("Tag to add")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Tag to add")).to_be_hidden()


def test_a_suggestion_is_taken_by_a_click(page: Page) -> None:
    make_tag("billing", color=TagColor.BLUE)
    page.get_by_label("Tag to add").press_sequentially("ill")
    page.get_by_role("option", name="billing").click()
    expect(page.get_by_label("Tag to add")).to_have_value("billing")


def test_a_tag_is_changed_where_it_stands(at_work: AtWork, admin: Account, server: object) -> None:
    tag, _ = make_tag("biling"), make_tag("other")
    page = at_work(admin).new_page()
    page.goto("/tags/")
    page.get_by_role("link", name="Edit biling").click()
    field = page.locator(".tag-editing").get_by_label("Name")
    expect(field).to_be_focused()
    expect(page.get_by_role("link", name="other", exact=True)).to_be_visible()
    field.fill("billing")
    page.locator(".tag-editing").get_by_label("Teal").check()
    page.keyboard.press("Enter")
    expect(page.locator(f"#tag-{tag.pk} .tag-teal")).to_have_text("billing")
    tag.refresh_from_db()
    assert (tag.name, tag.color) == ("billing", "teal")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_sticks_out(
    width: int, scheme: str, at_work: AtWork, admin: Account, person: ChatUser
) -> None:
    people = make_people(2)
    for color in TagColor.values:
        make_tag(f"tag in {color}", *people, person, color=color)
    long = make_tag("ﷺ" + "W" * 39, *people, person)
    into = make_tag("عملاء الجملة في المنطقة الشرقية الكبرى", people[0], color=TagColor.PINK)
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    for address in (
        "/tags/",
        "/tags/?q=nothing",
        f"/tags/{long.pk}/",
        f"/tags/{long.pk}/merge/?into={into.name}",
        f"/tags/{long.pk}/delete/",
        f"/users/{person.uuid}/",
    ):
        page.goto(address)
        if address == "/tags/":
            page.get_by_text("New tag").click()
            page.locator("tbody .btn").first.click()
            page.locator(".tag-editing").wait_for()
        elif address.startswith("/users/"):
            page.get_by_text("+ tag").click()
            page.get_by_label("Tag to add").press_sequentially("tag")
            expect(page.get_by_role("option")).to_have_count(len(TagColor.values))
        found = Axe().run(page)
        assert not found.response["violations"], f"{address}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert Tag.objects.count() == len(TagColor.values) + 2
