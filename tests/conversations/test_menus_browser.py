"""The profile's menus in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from staff.models import Account
from tests.factories import make_person
from users import actions
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(support: Account) -> ChatUser:
    person = make_person("Ada Lovelace")
    actions.add_tag(chat_user_id=person.pk, name="billing", actor=support)
    return person


@pytest.fixture
def page(at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser) -> Page:
    page = at_work(admin, viewport={"width": 360, "height": 740}).new_page()
    page.goto(f"/users/{person.uuid}/")
    return page


def test_one_is_open_at_a_time_and_escape_closes_it(page: Page) -> None:
    export, tags = page.get_by_text("Export data"), page.get_by_text("+ tag")
    export.click()
    expect(page.get_by_role("button", name="JSON")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="JSON")).to_be_hidden()
    export.click()
    page.get_by_role("heading", name="Notes").click()
    expect(page.locator("details.menu[open]")).to_have_count(0)
    tags.click()
    expect(page.locator("details.menu[open]")).to_have_count(1)


def test_tags_are_put_on_and_taken_off_by_keyboard(page: Page, person: ChatUser) -> None:
    page.get_by_text("+ tag").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("refund")
    page.keyboard.press("Enter")
    pills = page.locator(".pills [data-slot=tags]")
    expect(pills).to_contain_text("refund")
    page.get_by_text("+ tag").click()
    page.get_by_role("button", name="Take billing off").click()
    expect(pills).to_contain_text("refund")
    expect(pills).not_to_contain_text("billing")
    assert [tag.name for tag in person.tags.all()] == ["refund"]


@pytest.mark.parametrize("name", ["Export data", "+ tag", "Add note"])
def test_open_ones_fit_and_axe_finds_nothing(name: str, page: Page) -> None:
    page.get_by_text(name).first.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
