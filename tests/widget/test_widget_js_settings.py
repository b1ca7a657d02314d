"""The widget as its owner set it up: where it stands, what it says while nobody is here, what it promises."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.widget.fake_chat import FakeChat, WidgetPage, until


@pytest.fixture
def shown(page: Page, chat: FakeChat) -> WidgetPage:
    return WidgetPage(page, chat)


def left_and_right(thing: Locator) -> tuple[int, int]:
    """How far it is from the window's edges."""
    box = thing.bounding_box()
    window = thing.page.viewport_size
    assert box is not None and window is not None
    return round(box["x"]), round(window["width"] - box["x"] - box["width"])


@pytest.mark.parametrize("side", ["left", "right"])
def test_it_stands_in_the_corner_that_was_chosen(shown: WidgetPage, chat: FakeChat, side: str) -> None:
    chat.settings = {"side": side}
    shown.visit()
    launcher = shown.page.get_by_role("button", name="Open chat")
    distances = left_and_right if side == "left" else lambda thing: left_and_right(thing)[::-1]
    until(shown.page, lambda: distances(launcher)[0] == 20)
    launcher.click()
    assert distances(shown.page.get_by_role("dialog"))[0] == 20
    shown.page.set_viewport_size({"width": 360, "height": 640})
    until(shown.page, lambda: left_and_right(shown.page.get_by_role("dialog")) == (0, 0))


def test_the_next_page_begins_with_the_looks_of_the_last(shown: WidgetPage, chat: FakeChat) -> None:
    chat.settings = {"side": "left", "title": "Northpine", "away": "Back on Monday", "accent": "#ffd400"}
    shown.visit()
    until(shown.page, lambda: left_and_right(shown.page.get_by_role("button", name="Open chat"))[0] == 20)
    chat.silent = True
    shown.visit()
    launcher = shown.page.get_by_role("button", name="Open chat")
    assert left_and_right(launcher)[0] == 20
    expect(launcher).to_have_css("background-color", "rgb(255, 212, 0)")
    launcher.click()
    expect(shown.page.get_by_role("heading", name="Northpine")).to_be_visible()
    expect(shown.page.get_by_text("Back on Monday")).to_be_visible()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"mail": False}, "We'll answer as soon as we can"),
        ({"mail": True}, "We'll answer by e-mail"),
        ({"mail": True, "ask": ["name"]}, "We'll answer as soon as we can"),
        ({"away": "Back on Monday <b>", "mail": True}, "Back on Monday <b>"),
        ({"away": ""}, "We'll answer as soon as we can"),
    ],
)
def test_what_it_says_while_nobody_is_here(
    shown: WidgetPage, chat: FakeChat, settings: dict[str, object], text: str
) -> None:
    chat.settings, chat.staff_online = settings, False
    shown.visit().open()
    expect(shown.page.locator("chatadmin-widget .presence")).to_have_text(text)
    chat.staff_online = True
    chat.welcome(chat.sockets[-1], 0)
    expect(shown.page.locator("chatadmin-widget .presence")).to_have_text("We are here")


def test_without_mail_no_e_mail_is_promised(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    until(shown.page, lambda: chat.joined)
    shown.write("Hi")
    expect(shown.page.get_by_role("heading", name="How can we reach you?")).to_be_visible()
    email = shown.page.get_by_role("textbox", name="E-mail")
    email.fill("mira@example.com")
    email.press("Enter")
    expect(shown.page.get_by_text("Thanks.", exact=True)).to_be_visible()
    said = shown.page.get_by_role("dialog").inner_text()
    assert "by e-mail" not in said and "write to" not in said
