"""The reply in a browser: keys, drafts, and one message however often it is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from conversations.models import BODY_CHARS, Message
from staff.models import Account
from tests.factories import make_person
from tests.visitor import Visitor
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(transactional_db: None) -> ChatUser:
    return make_person("Ada Lovelace")


@pytest.fixture
def page(at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser) -> Page:
    return open_profile(at_work(admin), person)


def open_profile(context: BrowserContext, person: ChatUser) -> Page:
    page = context.new_page()
    page.goto(f"/users/{person.uuid}/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def composer(page: Page) -> Locator:
    return page.locator("[data-composer] textarea")


def said(page: Page) -> list[str]:
    return page.locator(".message-body").all_inner_texts()


def test_r_writes_enter_sends_and_shift_enter_breaks_the_line(page: Page) -> None:
    page.keyboard.press("r")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("Hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator(".message-body")).to_have_text("Hello\nAda")
    expect(composer(page)).to_have_value("")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("Again")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message-body")).to_have_count(2)
    assert said(page) == ["Hello\nAda", "Again"]
    assert list(Message.objects.order_by("pk").values_list("body", flat=True)) == ["Hello\nAda", "Again"]


def test_r_goes_on_where_the_draft_ends(page: Page) -> None:
    page.keyboard.press("r")
    page.keyboard.type("Dear")
    page.keyboard.press("Escape")
    expect(composer(page)).not_to_be_focused()
    page.keyboard.press("r")
    page.keyboard.type(" Ada")
    expect(composer(page)).to_have_value("Dear Ada")


def test_sending_twice_at_once_is_one_message(page: Page) -> None:
    composer(page).fill("Once")
    page.evaluate(
        "() => { const form = document.querySelector('[data-composer]'); form.requestSubmit(); form.requestSubmit() }"
    )
    expect(page.locator(".message-body")).to_have_text("Once")
    page.reload()
    assert said(page) == ["Once"]


def test_an_answer_that_got_lost_is_asked_for_again_without_a_second_message(page: Page) -> None:
    lost: list[bool] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(True)
        route.fetch()
        route.abort()

    page.route("**/messages/", lose_the_first)
    composer(page).fill("Hello?")
    composer(page).press("Enter")
    expect(page.locator("#reply-errors")).to_contain_text("Not sent")
    expect(composer(page)).to_have_value("Hello?")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")
    page.reload()
    assert said(page) == ["Hello?"]


def test_another_text_after_a_lost_answer_is_another_message(page: Page) -> None:
    lost: list[bool] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(True)
        route.fetch()
        route.abort()

    page.route("**/messages/", lose_the_first)
    composer(page).fill("Hello?")
    composer(page).press("Enter")
    expect(page.locator("#reply-errors")).to_contain_text("Not sent")
    composer(page).fill("Something else")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")
    page.reload()
    assert said(page) == ["Hello?", "Something else"]


def test_what_is_too_long_stays_and_is_told(page: Page) -> None:
    composer(page).fill("a" * (BODY_CHARS + 1))
    composer(page).press("Enter")
    expect(page.locator("[data-error=body]")).to_contain_text("4000")
    expect(composer(page)).to_have_value("a" * (BODY_CHARS + 1))
    composer(page).fill("short")
    composer(page).press("Enter")
    expect(page.locator(".message-body")).to_have_text("short")
    expect(page.locator("[data-error=body]")).to_have_count(0)


def test_enter_that_takes_a_proposal_of_an_input_method_sends_nothing(page: Page) -> None:
    composer(page).fill("ありがと")
    composer(page).evaluate(
        "node => node.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    composer(page).press("End")
    expect(composer(page)).to_have_value("ありがと")
    assert not Message.objects.exists()
    composer(page).press("Enter")
    expect(page.locator(".message-body")).to_have_text("ありがと")


def test_a_draft_is_kept_for_each_person_and_goes_when_it_is_sent(
    at_work: Callable[..., BrowserContext], admin: Account, person: ChatUser
) -> None:
    other = make_person("Bo")
    page = open_profile(at_work(admin), person)
    composer(page).fill("Dear Ada")
    page.goto(f"/users/{other.uuid}/")
    expect(composer(page)).to_have_value("")
    page.goto(f"/users/{person.uuid}/activity/")
    page.goto(f"/users/{person.uuid}/")
    expect(composer(page)).to_have_value("Dear Ada")
    composer(page).press("Enter")
    expect(page.locator(".message-body")).to_have_text("Dear Ada")
    page.reload()
    expect(page.locator(".message-body")).to_have_text("Dear Ada")
    expect(composer(page)).to_have_value("")


def test_a_draft_is_not_shown_to_the_next_one_who_signs_in(
    at_work: Callable[..., BrowserContext], admin: Account, support: Account, person: ChatUser
) -> None:
    context = at_work(admin)
    page = open_profile(context, person)
    composer(page).fill("Dear Ada")
    theirs = at_work(support)
    context.clear_cookies()
    context.add_cookies(theirs.cookies())  # type: ignore[arg-type]
    page.reload()
    expect(page.locator(".me")).to_contain_text("Sam Support")
    expect(composer(page)).to_have_value("")


def test_the_visitor_and_a_colleague_see_the_typing(
    at_work: Callable[..., BrowserContext], admin: Account, support: Account, visit: Callable[..., Visitor]
) -> None:
    tab = visit()
    tab.hello()
    person = ChatUser.objects.get()
    colleague = open_profile(at_work(support), person)
    page = open_profile(at_work(admin), person)
    composer(page).press_sequentially("Hel")
    assert tab.expect("typing")["on"] is True
    expect(colleague.locator(".replying")).to_have_text("Dana Whitfield is replying…")
    composer(page).press("Enter")
    assert tab.expect("typing")["on"] is False
    expect(colleague.locator(".replying")).to_be_hidden()
    expect(colleague.locator(".message-body")).to_have_text("Hel")


def test_two_colleagues_on_one_profile_see_the_same(
    at_work: Callable[..., BrowserContext], admin: Account, support: Account, visit: Callable[..., Visitor]
) -> None:
    tab = visit()
    tab.hello()
    person = ChatUser.objects.get()
    page = open_profile(at_work(admin), person)
    colleague = open_profile(at_work(support), person)
    asked = tab.say("Anyone?")
    for shown in (page, colleague):
        expect(shown.locator(f"#m{asked['id']}[data-read=true]")).to_be_visible()
        expect(shown.locator("[data-field=messages]")).to_have_text("1")
    assert tab.expect("read")["up_to"] == asked["id"]
    for number, shown in enumerate((page, colleague, page)):
        composer(shown).fill(f"Reply {number}")
        composer(shown).press("Enter")
        expect(shown.locator(".message-body")).to_have_count(number + 2)
    for shown in (page, colleague):
        expect(shown.locator(".message-body")).to_have_text(["Anyone?", "Reply 0", "Reply 1", "Reply 2"])
        expect(shown.locator("[data-from=staff] [data-read-mark=false]")).to_have_count(3)
    told = [tab.expect("message") for _ in range(3)]
    tab.send("read", up_to=told[1]["id"])
    for shown in (page, colleague):
        expect(shown.locator("[data-from=staff] [data-read-mark=true]")).to_have_count(2)
        expect(shown.locator(f"#m{told[2]['id']}")).to_have_attribute("data-read", "false")


@pytest.mark.parametrize(
    ("name", "shown"), [("Ada", "Reply to Ada…"), ("Wilhelmina" * 5, "Reply to WilhelminaWilhelminaWil…")]
)
def test_a_long_name_is_cut_once(
    at_work: Callable[..., BrowserContext], admin: Account, transactional_db: None, name: str, shown: str
) -> None:
    page = open_profile(at_work(admin), make_person(name))
    expect(composer(page)).to_have_attribute("placeholder", shown)
