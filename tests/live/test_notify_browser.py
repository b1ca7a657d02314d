"""Unread conversations in the title, and the notification and sound for new ones: off at first, one tab of many tells."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from staff.models import Account
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]
# What is told is written down as it goes to the real thing; and no tab has the focus, which all would have here.
RECORDED = """
window.told = [];
const Real = window.Notification;
window.Notification = class extends Real {
  constructor(title, options) { super(title, options); window.told.push(`${title}: ${options.body}`); }
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.told.push("sound"); return start.call(this, at); };
document.hasFocus = () => window.isLookedAt === true;
"""


@pytest.fixture
def context(at_work: AtWork, support: Account) -> BrowserContext:
    made = at_work(support)
    made.grant_permissions(["notifications"])
    made.add_init_script(RECORDED)
    return made


def shown(context: BrowserContext, address: str = "/users/") -> Page:
    page = context.new_page()
    page.goto(address)
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def choose(context: BrowserContext, *kinds: str) -> Page:
    """Switches them on, on the account's page."""
    page = shown(context, "/account/")
    for kind in kinds:
        page.get_by_label({"note": "Show a notification", "sound": "Play a sound"}[kind]).check()
    page.wait_for_timeout(400)
    page.evaluate("window.told.length = 0")
    return page


def told(*pages: Page) -> list[str]:
    """What was told in any of these tabs; the sound's two notes are one."""
    said = [line for page in pages for line in page.evaluate("window.told")]
    return [*[line for line in said if line != "sound"], *["sound"] * (said.count("sound") // 2)]


def say(visit: Callable[..., Visitor], words: str = "Hello?") -> Visitor:
    tab = visit()
    tab.hello()
    tab.send("identify", name="Mariam Okafor")
    tab.say(words)
    return tab


def test_the_title_counts_and_falls_again(
    context: BrowserContext, visit: Callable[..., Visitor], server: object, support: Account
) -> None:
    page = shown(context)
    expect(page).to_have_title("Users · chatadmin")
    tab = say(visit)
    expect(page).to_have_title("(1) Users · chatadmin")
    tab.say("Anybody?")
    say(visit)
    expect(page).to_have_title("(2) Users · chatadmin")
    with StaffBrowser(server, support).live() as reading:
        reading.send("read", user=tab.user["id"], up_to=tab.last)
        expect(page).to_have_title("(1) Users · chatadmin")
    page.reload()
    expect(page).to_have_title("(1) Users · chatadmin")


def test_both_are_off_at_first(context: BrowserContext, visit: Callable[..., Visitor]) -> None:
    account = shown(context, "/account/")
    for box in account.get_by_role("checkbox").all():
        expect(box).not_to_be_checked()
    expect(account.get_by_label("Play a sound")).to_be_enabled()
    page = shown(context)
    say(visit)
    expect(page).to_have_title("(1) Users · chatadmin")
    page.wait_for_timeout(1_500)
    assert told(page, account) == []


def test_one_tab_of_many_tells_and_names_nobody(
    context: BrowserContext, visit: Callable[..., Visitor]
) -> None:
    tabs = [choose(context, "note", "sound"), shown(context), shown(context, "/conversations/")]
    tab = say(visit, "my secret")
    for page in tabs:
        expect(page).to_have_title(re.compile(r"^\(1\) "))
        page.wait_for_timeout(600)
    assert told(*tabs) == ["chatadmin: 1 unread conversation", "sound"]
    tab.say("in the same conversation")
    page.wait_for_timeout(1_500)
    assert told(*tabs) == ["chatadmin: 1 unread conversation", "sound"]
    page.wait_for_timeout(1_500)
    say(visit)
    for page in tabs:
        expect(page).to_have_title(re.compile(r"^\(2\) "))
        page.wait_for_timeout(600)
    assert sorted(told(*tabs)) == [
        "chatadmin: 1 unread conversation",
        "chatadmin: 2 unread conversations",
        "sound",
        "sound",
    ]


def test_nothing_is_told_while_any_tab_is_looked_at(
    context: BrowserContext, visit: Callable[..., Visitor]
) -> None:
    hidden, looked_at = choose(context, "note", "sound"), shown(context)
    looked_at.evaluate("window.isLookedAt = true; window.dispatchEvent(new Event('focus'))")
    say(visit)
    for page in (hidden, looked_at):
        expect(page).to_have_title(re.compile(r"^\(1\) "))
    hidden.wait_for_timeout(1_500)
    assert told(hidden, looked_at) == []
    looked_at.evaluate("window.isLookedAt = false; window.dispatchEvent(new Event('blur'))")
    say(visit)
    expect(hidden).to_have_title(re.compile(r"^\(2\) "))
    hidden.wait_for_timeout(1_500)
    assert sorted(told(hidden, looked_at)) == ["chatadmin: 2 unread conversations", "sound"]


def test_each_is_chosen_by_itself_and_kept_in_this_browser(
    context: BrowserContext, visit: Callable[..., Visitor]
) -> None:
    account = choose(context, "sound")
    account.reload()
    expect(account.get_by_label("Play a sound")).to_be_checked()
    expect(account.get_by_label("Show a notification")).not_to_be_checked()
    account.get_by_label("Play a sound").uncheck()
    account.get_by_label("Show a notification").check()
    say(visit)
    expect(account).to_have_title(re.compile(r"^\(1\) "))
    account.wait_for_timeout(1_000)
    assert told(account) == ["chatadmin: 1 unread conversation"]


def test_the_choice_makes_the_sound_heard(context: BrowserContext) -> None:
    page = shown(context, "/account/")
    page.get_by_label("Play a sound").check()
    page.wait_for_function("window.told.length === 2")


def test_a_refusal_is_said_and_nothing_is_switched_on(at_work: AtWork, support: Account) -> None:
    context = at_work(support)
    context.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    page = shown(context, "/account/")
    box = page.get_by_label("Show a notification")
    box.click()
    expect(page.get_by_text("Your browser refuses notifications from here.")).to_be_visible()
    expect(box).not_to_be_checked()
    page.reload()
    expect(box).not_to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_the_choices(scheme: str, width: int, at_work: AtWork, support: Account) -> None:
    page = shown(at_work(support, color_scheme=scheme, viewport={"width": width, "height": 800}), "/account/")
    page.locator("[data-problem]").evaluate_all("lines => lines.forEach(line => { line.hidden = false })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def test_without_scripts_the_choices_say_that_they_need_them(at_work: AtWork, support: Account) -> None:
    page = at_work(support, java_script_enabled=False).new_page()
    page.goto("/account/")
    expect(page.get_by_label("Play a sound")).to_be_disabled()
    expect(page.get_by_text("This needs JavaScript, which is off.")).to_be_visible()
