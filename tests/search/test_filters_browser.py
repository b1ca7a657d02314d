"""Filters, ticks and found messages in a browser, with scripts and without."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from chatadmin.lib.tokens import tokens
from conversations.models import Conversation, Message
from staff.models import Account
from tests.factories import make_messages, make_person
from users.models import ChatUser, Tag, Tagging

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]
NAMES = ["Ada Adams", "Bob Brown", "Cyd Clark", "Dan Drake"]


@pytest.fixture
def people(transactional_db: None) -> list[ChatUser]:
    now = timezone.now()
    made = [
        make_person(
            name,
            f"{name[:3].lower()}@site.example" if at % 2 == 0 else "",
            last_active=now - dt.timedelta(days=3 * at, hours=1),
            is_vip=at == 0,
        )
        for at, name in enumerate(NAMES)
    ]
    tag = Tag.objects.create(name="billing", name_folded="billing", color="blue")
    Tagging.objects.bulk_create(Tagging(chat_user=person, tag=tag) for person in made[:2])
    return made


@pytest.fixture
def page(at_work: AtWork, support: Account, people: list[ChatUser]) -> Page:
    page = at_work(support).new_page()
    page.goto("/users/")
    return page


def rows(page: Page) -> Locator:
    return page.locator("tr[data-user]")


def chip(page: Page, words: str) -> Locator:
    return page.locator("#chips").get_by_role("link", name=words)


def test_a_chip_filters_and_takes_itself_away_and_what_is_typed_stays(page: Page) -> None:
    expect(rows(page)).to_have_count(4)
    box = page.get_by_role("searchbox")
    box.press_sequentially("site.ex")
    chip(page, "Add filter VIP").click()
    expect(rows(page)).to_have_count(1)
    expect(box).to_have_value("site.ex")
    expect(page).to_have_url(re.compile(r"/users/\?q=site\.ex&vip=yes$"))
    on = chip(page, "Remove filter VIP")
    expect(on).to_be_focused()
    expect(page.locator("#filters-count")).to_have_text("1")
    on.click()
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/users/\?q=site\.ex$"))
    page.go_back()
    expect(rows(page)).to_have_count(1)
    expect(chip(page, "Remove filter VIP")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/users/$"))
    expect(rows(page)).to_have_count(4)
    expect(box).to_have_value("")


def test_the_panel_filters_as_one_chooses(page: Page) -> None:
    page.get_by_text("Filters", exact=False).first.click()
    least = page.get_by_label("Messages, at least")
    least.fill("many")
    least.press("Tab")
    expect(page.locator('[data-problem="min_messages"]')).to_have_text("Enter a whole number.")
    expect(least).to_have_value("many")
    expect(least).to_have_attribute("aria-describedby", "error-min_messages")
    least.fill("")
    least.press("Tab")
    expect(page.locator('[data-problem="min_messages"]')).to_be_empty()
    expect(page.locator("[data-error]")).to_have_count(0)
    page.locator("#filter-has_email").select_option("yes")
    expect(rows(page)).to_have_count(2)
    tag = page.locator("#filter-tag")
    tag.press_sequentially("bil")
    page.get_by_role("option", name="billing").click()
    expect(rows(page)).to_have_count(1)
    expect(tag).to_have_value("")
    expect(page).to_have_url(re.compile(r"\?has_email=yes&tag=billing$"))
    page.locator("#filter-tags").get_by_role("checkbox", name="billing").uncheck()
    expect(rows(page)).to_have_count(2)
    expect(chip(page, "Tag: billing")).to_have_count(0)
    expect(tag).to_be_focused()
    page.get_by_role("button", name="Show people").click()
    expect(page.locator("#filter-fields")).to_be_hidden()


def test_a_chip_opens_the_panel_at_its_field_and_all_go_at_once(page: Page) -> None:
    chip(page, "First contact…").click()
    expect(page.locator("#filter-first_from")).to_be_focused()
    page.locator("#filter-first_from").fill("2024-01-01")
    expect(chip(page, "Remove filter First contact from 1 Jan 2024")).to_be_visible()
    page.locator("#filters").get_by_label("VIP").check()
    expect(chip(page, "Clear all")).to_be_visible()
    chip(page, "Clear all").click()
    expect(rows(page)).to_have_count(4)
    expect(page.locator("#filter-first_from")).to_have_value("")
    expect(page.locator("#filters").get_by_label("VIP")).not_to_be_checked()
    expect(page).to_have_url(re.compile(r"/users/$"))


def test_a_sorted_list_can_be_searched_in_messages(page: Page, people: list[ChatUser]) -> None:
    make_messages(people[2], ("visitor", "my refund"))
    page.goto("/users/?sort=name")
    page.get_by_label("Search in").select_option("messages")
    page.get_by_role("searchbox").fill("refund")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("[data-error]")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/users/\?q=refund&in=messages$"))
    page.get_by_role("searchbox").fill("")
    expect(rows(page)).to_have_count(4)
    expect(page).to_have_url(re.compile(r"sort=name$"))


def test_the_line_of_a_message_leads_to_it(page: Page, people: list[ChatUser]) -> None:
    said = [("visitor", f"line {at} of many, long enough to need its room") for at in range(60)]
    messages = make_messages(people[1], *said[:30], ("visitor", "the refund, please"), *said[30:])
    page.goto("/users/?q=refund&in=messages")
    page.locator("a.snip").click()
    expect(page).to_have_url(re.compile(rf"/users/{people[1].uuid}/conversations/\?at={messages[30].pk}$"))
    found = page.locator(f"#m{messages[30].pk}")
    expect(found).to_be_in_viewport()
    expect(found).to_have_css("outline-style", "solid")
    expect(page.locator(f"#m{messages[0].pk}")).not_to_be_in_viewport()


def test_ticked_people_are_tagged_together(page: Page, people: list[ChatUser]) -> None:
    bar = page.get_by_role("form", name="Ticked people")
    expect(bar).to_be_hidden()
    page.get_by_role("checkbox", name="Tick Ada Adams").check()
    expect(bar.get_by_role("status")).to_have_text("1 ticked")
    page.get_by_role("checkbox", name="Tick Cyd Clark").click(modifiers=["Shift"])
    expect(bar.get_by_role("status")).to_have_text("3 ticked")
    bar.get_by_role("button", name="Tag…", exact=True).click()
    expect(bar.get_by_label("Tag", exact=True)).to_be_focused()
    bar.get_by_label("Tag", exact=True).fill("billing")
    bar.get_by_role("button", name="Tag…", exact=True).click()
    expect(page).to_have_url(re.compile("/users/bulk/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("billing")
    expect(page.locator("[data-bulk]")).to_have_attribute("data-total", "3")


def test_the_whole_page_is_ticked_and_everyone_of_the_search(
    at_work: AtWork, support: Account, people: list[ChatUser]
) -> None:
    ChatUser.objects.bulk_create(ChatUser(name=f"P{at}", last_active=timezone.now()) for at in range(60))
    page = at_work(support).new_page()
    page.goto("/users/")
    bar = page.get_by_role("form", name="Ticked people")
    page.get_by_role("checkbox", name="Everyone on this page").check()
    expect(bar.get_by_role("status")).to_have_text("50 ticked")
    bar.get_by_role("checkbox", name="All 64 of this list").check()
    expect(bar.get_by_role("status")).to_have_text("All 64 of this list")
    page.get_by_role("checkbox", name="Tick P55", exact=True).uncheck()
    expect(bar.get_by_role("status")).to_have_text("49 ticked")
    bar.get_by_role("checkbox", name="All 64 of this list").check()
    bar.get_by_role("button", name="VIP…", exact=False).first.click()
    expect(page.locator("[data-bulk]")).to_have_attribute("data-total", "64")


def test_without_scripts_the_form_filters_and_ticks_are_posted(
    at_work: AtWork, support: Account, people: list[ChatUser]
) -> None:
    page = at_work(support, java_script_enabled=False).new_page()
    page.goto("/users/?sort=name")
    page.locator("#filters summary").click()
    page.locator("#filter-has_email").select_option("yes")
    page.locator("#filter-tag").fill("billing")
    page.get_by_role("button", name="Show people").click()
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#filter-has_email")).to_have_value("yes")
    chip(page, "Remove filter Tag: billing").click()
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/users/\?has_email=yes&sort=name$"))
    bar = page.get_by_role("form", name="Ticked people")
    expect(bar).to_be_hidden()
    page.get_by_role("checkbox", name="Tick Cyd Clark").check()
    bar.get_by_role("button", name="VIP…", exact=False).first.click()
    expect(page.locator("[data-bulk]")).to_have_attribute("data-total", "1")


def test_a_list_that_ran_out_of_time_goes_on_by_itself(
    at_work: AtWork, support: Account, people: list[ChatUser]
) -> None:
    ada, bob, _cyd, dan = people
    talks = {person.pk: Conversation.objects.create(chat_user=person) for person in people}

    def say(person: ChatUser, body: str, times: int = 1) -> None:
        Message.objects.bulk_create(
            Message(
                chat_user=person,
                conversation=talks[person.pk],
                sender="visitor",
                body=body,
                tokens=tokens(body),
                created_at=timezone.now(),
            )
            for _ in range(times)
        )

    # A lone character is looked for in 20,000 messages at a time.
    say(bob, "返")
    say(dan, "x", 20_000)
    say(ada, "返")
    page = at_work(support).new_page()
    page.goto("/users/?q=返&in=messages")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#results")).to_have_attribute("data-total", "2")
    assert page.locator("#results").get_attribute("data-partial") is None
    expect(page.locator("#found")).to_have_text("2 people said this")
    expect(rows(page).nth(1)).to_contain_text("Bob Brown")
    plain = at_work(support, java_script_enabled=False).new_page()
    plain.goto("/users/?q=返&in=messages")
    expect(plain.locator("#results[data-partial=true]")).to_be_visible()
    expect(rows(plain)).to_contain_text(["Ada Adams"])
    plain.get_by_role("link", name="Go on from here").click()
    expect(rows(plain)).to_contain_text(["Bob Brown"])


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 360), ("dark", 360), ("light", 1280), ("dark", 1280)]
)
def test_axe_finds_nothing_in_panel_bar_and_found_lines(
    scheme: str, width: int, at_work: AtWork, admin: Account, people: list[ChatUser]
) -> None:
    long = make_person("عبد الرحمن " * 18, "a" * 60 + "@" + "b" * 60 + ".example")
    make_messages(long, ("visitor", "استرداد refund " * 40), ("staff", "refund " + "w" * 300))
    make_messages(people[0], ("visitor", "refund"))
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    page.goto(f"/users/?q=refund&in=messages&has_email=yes&tag={'ü' * 40}&dormant=8&first_from=nonsense")
    expect(page.locator("#filter-fields")).to_be_visible()
    check(page)
    page.goto("/users/?q=refund&has_email=yes&active=30")
    page.get_by_role("checkbox", name="Tick Ada Adams").check()
    expect(page.locator("#bulk")).to_be_visible()
    check(page)


def check(page: Page) -> None:
    """Nothing sticks out, and axe has nothing to say."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
