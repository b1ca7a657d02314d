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


def test_an_open_widget_follows_its_settings_and_keeps_what_is_typed(
    shown: WidgetPage, chat: FakeChat
) -> None:
    chat.settings = {"title": "Before", "ask": ["name", "email"]}
    shown.visit().open()
    shown.write("Hi")
    presence = shown.page.locator("chatadmin-widget .presence")
    email = shown.page.get_by_role("textbox", name="E-mail")
    email.fill("mira@exam")
    box = shown.page.get_by_label("Write a message")
    box.fill("Half a sen")
    expect(presence).to_have_text("We are here")
    look = {
        "title": "After",
        "greeting": "Moin",
        "accent": "#ffd400",
        "side": "left",
        "ask": ["email"],
        "away": "Gone",
    }
    chat.say("settings", widget=look, staff_online=False)
    expect(shown.page.get_by_role("heading", name="After")).to_be_visible()
    expect(presence).to_have_text("Gone")
    expect(shown.page.get_by_text("Moin")).to_be_visible()
    expect(shown.page.locator("chatadmin-widget header")).to_have_css("background-color", "rgb(255, 212, 0)")
    assert left_and_right(shown.page.get_by_role("dialog"))[0] == 20
    expect(shown.page.get_by_role("textbox", name="Name")).to_be_hidden()
    expect(email).to_have_value("mira@exam")
    expect(box).to_have_value("Half a sen")
    expect(box).to_be_focused()
    chat.say("settings", widget=look, staff_online=True)
    expect(presence).to_have_text("We are here")


@pytest.mark.parametrize("ask", [["email"], ["name"], ["name", "email"]])
def test_what_it_is_for_is_said_below_the_fields(shown: WidgetPage, chat: FakeChat, ask: list[str]) -> None:
    chat.settings = {"ask": ask}
    shown.visit().open()
    shown.write("Hi")
    note = shown.page.get_by_text("Optional. Only for this.")
    for label in ask:
        field = shown.page.get_by_role("textbox", name={"email": "E-mail", "name": "Name"}[label])
        expect(field).to_be_visible()
        top, bottom = note.bounding_box(), field.bounding_box()
        assert top is not None and bottom is not None
        assert top["y"] >= bottom["y"] + bottom["height"]
