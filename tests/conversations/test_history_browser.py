"""The history in a browser: it begins at its end, and nobody loses their place in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from conversations.history import PAGE_MESSAGES
from conversations.models import Message
from staff.models import Account
from tests.factories import make_messages, make_person
from tests.visitor import Visitor
from users.models import ChatUser
from widget.identity import new_tokens

pytestmark = pytest.mark.django_db(transaction=True)
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
TO_TOP = "s => { s.scrollTop = s.clientHeight - s.scrollHeight + 20 }"
TOP_OF = "id => document.getElementById(id).getBoundingClientRect().top"


@pytest.fixture
def person(transactional_db: None) -> ChatUser:
    return make_person("Ada Lovelace")


def fill(person: ChatUser, count: int) -> list[Message]:
    lines = (("visitor" if n % 3 else "staff", f"line {n} " + "and more " * (n % 40)) for n in range(count))
    return make_messages(person, *lines, start=START, read_at=START)


@pytest.fixture
def tab(person: ChatUser, visit: Callable[..., Visitor]) -> Visitor:
    """The person's own tab."""
    visitor = visit()
    visitor.hello(token=new_tokens([person])[0])
    return visitor


def open_history(context: BrowserContext, person: ChatUser, query: str = "") -> Page:
    page = context.new_page()
    page.goto(f"/users/{person.uuid}/{query}")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def scroller(page: Page):
    return page.locator(".log-scroll")


def test_it_begins_at_its_end(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    messages = fill(person, PAGE_MESSAGES + 10)
    page = open_history(at_work(admin), person)
    expect(page.locator(f"#m{messages[-1].pk}")).to_be_in_viewport()
    assert page.locator("[data-message]").count() == PAGE_MESSAGES


def test_older_messages_come_in_above_and_move_nothing(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    messages = fill(person, 3 * PAGE_MESSAGES)
    page = open_history(at_work(admin), person)
    first = f"m{messages[2 * PAGE_MESSAGES].pk}"
    scroller(page).evaluate(TO_TOP)
    before = page.evaluate(TOP_OF, first)
    expect(page.locator("[data-message]")).to_have_count(2 * PAGE_MESSAGES)
    assert abs(page.evaluate(TOP_OF, first) - before) < 1
    scroller(page).evaluate(TO_TOP)
    expect(page.locator("[data-message]")).to_have_count(3 * PAGE_MESSAGES)
    shown = page.locator("[data-message]").evaluate_all("all => all.map(one => Number(one.dataset.message))")
    assert shown == [message.pk for message in messages]
    days = page.locator("[data-day]").evaluate_all("all => all.map(one => one.dataset.day)")
    assert len(days) == len(set(days)) > 0


def test_a_new_message_does_not_pull_away_whoever_reads_further_up(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser, tab: Visitor
) -> None:
    messages = fill(person, PAGE_MESSAGES)
    page = open_history(at_work(admin), person)
    middle = f"m{messages[20].pk}"
    page.locator(f"#{middle}").evaluate("node => node.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(100)
    before = page.evaluate(TOP_OF, middle)
    told = f"#m{tab.say('Anyone?')['id']}"
    expect(page.locator(told)).to_be_attached()
    jump = page.get_by_role("button", name="New messages")
    expect(jump).to_be_visible()
    assert abs(page.evaluate(TOP_OF, middle) - before) < 1
    jump.click()
    expect(page.locator(told)).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_whoever_is_at_the_end_stays_there(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser, tab: Visitor
) -> None:
    fill(person, PAGE_MESSAGES)
    page = open_history(at_work(admin), person)
    for number in range(3):
        ack = tab.say(f"Anyone {number}? " + "please " * 60)
        expect(page.locator(f"#m{ack['id']}")).to_be_in_viewport()
    expect(page.get_by_role("button", name="New messages")).to_be_hidden()


def test_a_link_to_a_message_leads_there_and_on_to_the_end(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser, tab: Visitor
) -> None:
    messages = fill(person, 2 * PAGE_MESSAGES)
    page = open_history(at_work(admin), person, f"?at={messages[60].pk}")
    expect(page.locator(".found")).to_be_in_viewport()
    expect(page.locator("[data-log]")).to_have_count(0)
    edge = f"m{messages[85].pk}"
    scroller(page).evaluate("s => { s.scrollTop = 0 }")
    expect(page.locator(f"#m{messages[-1].pk}")).to_be_attached()
    expect(page.locator(f"#{edge}")).to_be_in_viewport()
    expect(page.locator("[data-log]")).to_have_count(1)
    told = f"#m{tab.say('Anyone?')['id']}"
    expect(page.locator(told)).to_be_attached()


def test_typing_reading_and_coming_show_at_once(
    at_work: Callable[..., BrowserContext], admin: Account, visit: Callable[..., Visitor]
) -> None:
    tab = visit()
    tab.hello()
    tab.say("Hello?")
    person = ChatUser.objects.get()
    page = open_history(at_work(admin), person)
    expect(page.locator(".profile-card [data-presence=online]")).to_be_visible()
    expect(page.locator(".status")).to_contain_text("Online")
    tab.send("typing", on=True)
    expect(page.locator(".typing-line")).to_contain_text("is typing")
    ack = tab.say("Anyone?")
    expect(page.locator(f"#m{ack['id']}")).to_be_in_viewport()
    expect(page.locator(".typing-line")).not_to_contain_text("is typing")
    expect(page.locator(f"#m{ack['id']}[data-read=true]")).to_be_visible()
    expect(page.locator("[data-field=messages]")).to_have_text("2")


def test_nothing_is_called_unverified_where_nothing_is_claimed(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    page = open_history(at_work(admin), person)
    expect(page.get_by_text("unverified")).to_be_hidden()
    ChatUser.objects.update(email="ada@site.example")
    page.reload()
    expect(page.get_by_text("unverified")).to_be_visible()


def test_without_scripts_everything_is_a_link_or_a_form(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    messages = fill(person, PAGE_MESSAGES + 10)
    page = at_work(admin, java_script_enabled=False).new_page()
    page.goto(f"/users/{person.uuid}/")
    expect(page.locator(f"#m{messages[-1].pk}")).to_be_in_viewport()
    page.get_by_role("textbox", name="Reply to Ada").fill("Hello Ada")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Hello Ada", exact=True)).to_be_visible()
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator(f"#m{messages[0].pk}")).to_be_attached()
    page.get_by_role("link", name="Newer messages").click()
    expect(page.get_by_text("Hello Ada", exact=True)).to_be_visible()


@pytest.mark.parametrize("tab", ["", "activity/", "sessions/", "access/", "edit/", "notes/"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    tab: str, scheme: str, at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    fill(person, 5)
    make_messages(person, ("visitor", "W" * 4000), ("system", "Conversation closed"), ("bot", "Beep"))
    ChatUser.objects.update(name="عبد الرحمن " * 18, email="a" * 60 + "@site.example", is_vip=True)
    page = at_work(admin, color_scheme=scheme, viewport={"width": 360, "height": 740}).new_page()
    page.goto(f"/users/{person.uuid}/{tab}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def test_the_line_above_the_unread_says_new_once_read_and_goes_once_answered(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    make_messages(person, ("visitor", "old"), start=START, read_at=START)
    make_messages(person, ("visitor", "one"), ("visitor", "two"))
    ChatUser.objects.filter(pk=person.pk).update(unread_count=2)
    with_scripts, without = at_work(admin), at_work(admin, java_script_enabled=False)
    static = without.new_page()
    static.goto(f"/users/{person.uuid}/")
    expect(static.locator("[data-unread-line]")).to_have_text("2 unread")
    page = open_history(with_scripts, person)
    line = page.locator("[data-unread-line]")
    expect(line).to_have_text("New")
    expect(page.locator("[data-message]:has-text('one')")).to_have_attribute("data-read", "true")
    page.get_by_role("textbox", name="Reply to Ada").fill("Hello Ada")
    page.keyboard.press("Enter")
    expect(page.locator(".message-body").last).to_have_text("Hello Ada")
    expect(line).to_have_count(0)
