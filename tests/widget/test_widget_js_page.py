"""The widget on somebody else's page: what the page may call, and that neither disturbs the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.widget.fake_chat import SHOP, TAG, FakeChat, WidgetPage, until

POLICY = (
    "default-src 'none'; script-src https://chat.example; connect-src wss://chat.example; style-src 'none'"
)
HOSTILE = """<style>
  * { display: none !important; color: red !important; font-size: 60px !important; opacity: 0 !important }
  html, body, body * { display: block !important }
  body { transform: scale(0.2) !important }
  :root { --panel: red; --text: red; --accent: red }
  chatadmin-widget, html > * { position: static !important; visibility: hidden !important; z-index: -1 !important }
</style>"""
GLOBALS = "Object.getOwnPropertyNames(window).sort()"
SHAPE = "document.documentElement.outerHTML"
STUB = (
    "<script>window.chatadmin = function () { (chatadmin.q = chatadmin.q || []).push(arguments) };%s</script>"
)


@pytest.fixture
def shown(page: Page, chat: FakeChat) -> WidgetPage:
    return WidgetPage(page, chat)


def test_the_page_gains_one_element_and_one_function(shown: WidgetPage, chat: FakeChat) -> None:
    chat.head = ""
    shown.page.goto(SHOP)
    names, shape = shown.page.evaluate(GLOBALS), shown.page.evaluate(SHAPE)
    chat.head = TAG
    shown.visit().open()
    shown.write("Hi")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert sorted({*names, "chatadmin"}) == shown.page.evaluate(GLOBALS)
    element = "<chatadmin-widget></chatadmin-widget>"
    assert shown.page.evaluate(SHAPE).replace(TAG.replace(" async ", ' async="" '), "") == shape.replace(
        "</html>", f"{element}</html>"
    )


def test_a_second_tag_changes_nothing(shown: WidgetPage, chat: FakeChat) -> None:
    chat.head = TAG + TAG
    shown.visit().open()
    expect(shown.page.get_by_role("dialog")).to_be_visible()
    assert shown.page.locator("chatadmin-widget").count() == 1
    assert len(chat.sockets) == 1


def test_it_keeps_its_look_on_a_hostile_page_under_a_strict_policy(shown: WidgetPage, chat: FakeChat) -> None:
    complaints: list[str] = []
    shown.page.on("console", lambda message: complaints.append(message.text))
    chat.headers = {
        "Content-Security-Policy": POLICY.replace("style-src 'none'", "style-src 'unsafe-inline'")
    }
    chat.head = HOSTILE + TAG
    shown.visit().open()
    shown.write("Still here")
    bubble = shown.page.get_by_text("Still here")
    expect(bubble).to_be_visible()
    expect(bubble).to_have_css("font-size", "14px")
    expect(shown.page.locator("chatadmin-widget")).to_have_css("position", "fixed")
    panel = shown.page.get_by_role("dialog").bounding_box()
    assert panel is not None
    assert (round(panel["width"]), round(panel["height"])) == (344, 520)
    chat.headers = {"Content-Security-Policy": POLICY}
    chat.head = TAG
    shown.visit().open()
    expect(shown.page.get_by_role("dialog")).to_have_css("width", "344px")
    assert complaints == []


def test_without_storage_it_works_until_the_page_goes(
    make_context: Callable[..., BrowserContext], chat: FakeChat
) -> None:
    context = make_context()
    context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
        "{ get() { throw new DOMException('blocked', 'SecurityError') } })"
    )
    shown = WidgetPage(context.new_page(), chat).visit().open()
    shown.write("Hi")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    chat.hang_up()
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    assert chat.heard("hello")[-1]["token"] in chat.people


def test_calls_made_before_it_loaded_are_honoured(shown: WidgetPage, chat: FakeChat) -> None:
    chat.head = (
        STUB % "chatadmin('open'); chatadmin('identify', {name: 'Mira', email: 'm@example.com'})" + TAG
    )
    shown.visit()
    expect(shown.page.get_by_role("dialog")).to_be_visible()
    until(shown.page, lambda: chat.heard("identify"))
    assert chat.heard("identify") == [{"type": "identify", "name": "Mira", "email": "m@example.com"}]


def test_who_the_page_says_someone_is_goes_with_every_hello(shown: WidgetPage, chat: FakeChat) -> None:
    given = "{external_id: 'c-1', hash: 'ab', name: 'Mira', traits: {plan: 'pro'}, expires: 1, other: 1}"
    chat.head = f"<script>window.chatadminIdentity = {given}</script>{TAG}"
    shown.visit()
    until(shown.page, lambda: chat.joined)
    chat.hang_up()
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    identity = {"external_id": "c-1", "name": "Mira", "traits": {"plan": "pro"}, "hash": "ab", "expires": 1}
    assert [frame["identity"] for frame in chat.heard("hello")] == [identity, identity]


def test_an_identity_given_between_hello_and_welcome_is_not_lost(shown: WidgetPage, chat: FakeChat) -> None:
    chat.silent = True
    shown.visit()
    shown.page.evaluate("chatadmin('identify', {external_id: 'c-1', hash: 'ab'})")
    assert not chat.heard("identify")
    user = {"id": "u-1", "name": None, "email": None, "verified": False}
    chat.say("welcome", token="t", user=user, messages=[], more=False, unread=0, staff_online=False)
    until(shown.page, lambda: chat.heard("identify"))
    assert chat.heard("identify")[-1]["identity"] == {"external_id": "c-1", "hash": "ab"}


def test_identify_later_and_reset(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    until(shown.page, lambda: chat.joined)
    shown.write("A secret")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    shown.page.evaluate("chatadmin('identify', {external_id: 'c-1', hash: 'ab'})")
    until(shown.page, lambda: chat.heard("identify"))
    assert chat.heard("identify")[-1]["identity"] == {"external_id": "c-1", "hash": "ab"}
    shown.page.get_by_label("Write a message").fill("half a thought")
    shown.page.evaluate("chatadmin('reset')")
    until(shown.page, lambda: len(chat.people) == 2)
    hello = chat.heard("hello")[-1]
    assert (hello["token"], hello["after"], "identity" in hello) == (None, 0, False)
    expect(shown.page.get_by_text("A secret")).to_have_count(0)
    expect(shown.page.get_by_label("Write a message")).to_have_value("")


def test_signing_out_in_one_tab_signs_out_the_other(
    make_context: Callable[..., BrowserContext], chat: FakeChat
) -> None:
    context = make_context()
    first = WidgetPage(context.new_page(), chat).visit().open()
    first.write("A secret")
    expect(first.page.get_by_text("Sent", exact=True)).to_be_visible()
    second = WidgetPage(context.new_page(), chat).visit().open()
    expect(second.page.get_by_text("A secret")).to_be_visible()
    second.page.evaluate("chatadmin('reset')")
    expect(first.page.get_by_text("A secret")).to_have_count(0)
    until(first.page, lambda: len(chat.heard("hello")) == 4)
    assert len(chat.people) == 2


def test_open_and_close_are_calls_too(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    until(shown.page, lambda: chat.joined)
    shown.page.evaluate("chatadmin('open')")
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    shown.page.evaluate("chatadmin('close')")
    expect(shown.page.get_by_role("dialog")).to_be_hidden()
    until(shown.page, lambda: len(chat.heard("widget")) == 2)
    assert [frame["event"] for frame in chat.heard("widget")] == ["opened", "closed"]


def test_the_pages_shortcuts_stay_out_of_the_composer(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    shown.page.evaluate("window.addEventListener('keydown', (event) => { document.title += event.key })")
    shown.page.get_by_label("Search").press("x")
    assert shown.page.title() == "Shopx"
    shown.open()
    shown.page.get_by_label("Write a message").press("y")
    expect(shown.page.get_by_label("Write a message")).to_have_value("y")
    assert shown.page.title() == "Shopx"
