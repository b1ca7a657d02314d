"""The widget without a mouse, and without eyes: keys, focus, names, and axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.widget.fake_chat import FakeChat, WidgetPage, until

PHONE = {"width": 360, "height": 640}
DESK = {"width": 1280, "height": 800}


@pytest.fixture
def shown(page: Page, chat: FakeChat) -> WidgetPage:
    return WidgetPage(page, chat)


def test_a_whole_conversation_by_keyboard(shown: WidgetPage, chat: FakeChat) -> None:
    keys = shown.visit().page.keyboard
    keys.press("Tab")
    expect(shown.page.get_by_label("Search")).to_be_focused()
    keys.press("Tab")
    expect(shown.page.get_by_role("button", name="Open chat")).to_be_focused()
    keys.press("Enter")
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    keys.type("Hello")
    keys.press("Enter")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    keys.press("Shift+Tab")
    expect(shown.page.get_by_role("button", name="No, thanks")).to_be_focused()
    keys.press("Enter")
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    keys.press("Shift+Tab")
    expect(shown.page.get_by_role("group", name="Conversation")).to_be_focused()
    keys.press("Shift+Tab")
    expect(shown.page.get_by_role("button", name="Close chat")).to_be_focused()
    keys.press("Escape")
    expect(shown.page.get_by_role("dialog")).to_be_hidden()
    expect(shown.page.get_by_role("button", name="Open chat")).to_be_focused()


def test_on_a_phone_the_page_behind_is_out_of_reach(
    make_context: Callable[..., BrowserContext], chat: FakeChat
) -> None:
    shown = WidgetPage(make_context(viewport=PHONE).new_page(), chat).visit().open()
    assert shown.page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, **PHONE}
    for _ in range(8):
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("document.activeElement.tagName") in {"CHATADMIN-WIDGET", "BODY"}
    shown.page.get_by_label("Write a message").focus()
    shown.page.keyboard.press("Escape")
    expect(shown.page.get_by_role("dialog")).to_be_hidden()
    expect(shown.page.get_by_role("button", name="Open chat")).to_be_focused()
    shown.open()
    shown.page.set_viewport_size(DESK)
    dialog = shown.page.get_by_role("dialog")
    expect(dialog).to_have_css("width", "344px")
    # The style is there before the scripts hear of the new size.
    until(shown.page, lambda: not dialog.evaluate("node => node.matches(':modal')"))
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    shown.page.get_by_label("Search").focus()
    expect(shown.page.get_by_label("Search")).to_be_focused()


def test_new_messages_are_read_out_and_states_are_not(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    shown.write("Hello")
    log = shown.page.get_by_role("log", name="Messages")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log.locator(".meta").first).to_have_attribute("aria-live", "off")
    chat.reply("Hi!")
    expect(log).to_contain_text("You")
    expect(log).to_contain_text("Dana")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_axe_finds_nothing(
    make_context: Callable[..., BrowserContext], chat: FakeChat, scheme: str, viewport: dict[str, Any]
) -> None:
    shown = WidgetPage(make_context(color_scheme=scheme, viewport=viewport).new_page(), chat).visit()
    until(shown.page, lambda: chat.joined)
    chat.reply("Closed")
    expect(shown.page.get_by_role("button", name="Open chat (1 unread)")).to_be_visible()
    check(shown.page)
    shown.open()
    shown.write("One")
    chat.reply("", kind="form", data={"fields": [{"label": "Order", "value": "88121"}]})
    chat.reply("", kind="file", data={"name": "a.pdf", "size": 9, "url": "https://files.example/a.pdf"})
    chat.reply("Closed by Dana", sender="system")
    chat.say("typing", on=True)
    shown.page.get_by_role("textbox", name="E-mail").fill("nobody")
    shown.page.keyboard.press("Enter")
    expect(shown.page.get_by_role("textbox", name="E-mail")).to_have_attribute("aria-invalid", "true")
    shown.page.get_by_label("Write a message").fill("x" * 4001)
    check(shown.page)
    chat.hang_up(4401)
    expect(shown.page.get_by_text("We could not confirm who you are")).to_be_visible()
    check(shown.page)


def check(page: Page) -> None:
    found = Axe().run(page)
    assert len(found.response["passes"]) > 10
    assert found.violations_count == 0, found.generate_report()
