"""The widget in a browser: what is said, shown, asked and read."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from tests.widget.fake_chat import SHOP, FakeChat, WidgetPage, until

AT = "2026-03-01T14:06:00Z"


@pytest.fixture
def shown(page: Page, chat: FakeChat) -> WidgetPage:
    return WidgetPage(page, chat)


def test_a_message_is_sent_acknowledged_answered_and_read(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    chat.silent = True
    shown.write("Where is my parcel?")
    expect(shown.page.locator(".me .meta")).to_have_text("Sending…")
    expect(shown.page.locator(".me .who")).to_have_class("who sr")  # for the ear only
    sent = until(shown.page, lambda: chat.heard("message"))[0]
    chat.silent = False
    message = chat.keep("visitor", "Where is my parcel?", client_id=sent["client_id"])
    chat.say("ack", client_id=message["client_id"], id=message["id"], at=message["at"])
    expect(shown.page.locator(".me .meta")).to_have_text("Sent")
    reply = chat.reply("At the depot")
    expect(shown.page.get_by_text("At the depot")).to_be_visible()
    expect(shown.page.locator(".who", has_text="Dana")).to_be_visible()
    until(shown.page, lambda: chat.heard("read"))
    assert chat.heard("read")[-1]["up_to"] == reply["id"]
    chat.say("read", up_to=message["id"], at=AT)
    expect(shown.page.locator(".me .meta")).to_contain_text("Read ")
    assert shown.bubbles() == ["Where is my parcel?", "At the depot"]


def test_hello_says_what_the_contract_asks(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    page = {"url": SHOP, "title": "Shop", "referrer": ""}
    assert chat.heard("hello") == [{"type": "hello", "v": 1, "token": None, "page": page, "after": 0}]


def test_a_reload_keeps_person_and_history(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    shown.write("One")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    shown.visit().open()
    expect(shown.page.get_by_role("log").get_by_text("One")).to_be_visible()
    assert chat.heard("hello")[-1]["token"] in chat.people
    assert len(chat.people) == 1


def test_a_history_of_several_pages_is_fetched_whole(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    chat.page_size = 3
    for number in range(8):
        chat.keep("staff", f"Line {number}")
    shown.visit().open()
    expect(shown.page.get_by_text("Line 7")).to_be_visible()
    assert shown.bubbles() == [f"Line {number}" for number in range(8)]


def test_unread_replies_are_counted_until_they_are_seen(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    until(shown.page, lambda: chat.joined)
    chat.reply("One")
    second = chat.reply("Two")
    launcher = shown.page.get_by_role("button", name="Open chat (2 unread)")
    expect(launcher).to_be_visible()
    expect(shown.page.get_by_role("status").filter(has_text="New message from Dana")).to_have_count(1)
    assert not chat.heard("read")
    launcher.click()
    until(shown.page, lambda: chat.heard("read"))
    assert chat.heard("read") == [{"type": "read", "up_to": second["id"]}]
    shown.page.keyboard.press("Escape")
    expect(shown.page.get_by_role("button", name="Open chat", exact=True)).to_be_visible()
    assert [frame["event"] for frame in chat.heard("widget")] == ["opened", "closed"]


def test_unread_replies_from_before_are_on_the_launcher_at_once(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    until(shown.page, lambda: chat.joined)
    chat.keep("staff", "While you were away")
    shown.visit()
    expect(shown.page.get_by_role("button", name="Open chat (1 unread)")).to_be_visible()


def test_imported_messages_have_ids_below_zero(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit()
    until(shown.page, lambda: chat.joined)
    chat.keep("visitor", "Long ago", id=-9)
    chat.keep("staff", "Answered", id=-8)
    chat.welcome(chat.sockets[-1], -10)
    shown.open()
    expect(shown.page.get_by_text("Answered")).to_be_visible()
    until(shown.page, lambda: chat.heard("read"))
    assert chat.heard("read") == [{"type": "read", "up_to": -8}]
    assert shown.bubbles() == ["Long ago", "Answered"]
    expect(shown.page.locator(".me .meta")).to_have_text("Sent")


def test_typing_staff_are_shown_and_time_out(shown: WidgetPage, chat: FakeChat) -> None:
    shown.page.clock.install()
    shown.visit().open()
    dots = shown.page.get_by_text("is typing…")
    chat.say("typing", on=True)
    expect(dots).to_be_visible()
    chat.say("typing", on=False)
    expect(dots).to_be_hidden()
    chat.say("typing", on=True)
    expect(dots).to_be_visible()
    shown.page.clock.run_for(6100)
    expect(dots).to_be_hidden()


def test_typing_is_told_sparingly_and_taken_back(shown: WidgetPage, chat: FakeChat) -> None:
    shown.page.clock.install()
    shown.visit().open()
    until(shown.page, lambda: chat.heard("widget"))
    box = shown.page.get_by_label("Write a message")
    for letter in "hello":
        box.press(letter)
        shown.page.clock.run_for(400)
    until(shown.page, lambda: chat.heard("typing"))
    assert [frame["on"] for frame in chat.heard("typing")] == [True]
    shown.page.clock.run_for(4100)
    until(shown.page, lambda: len(chat.heard("typing")) == 2)
    assert [frame["on"] for frame in chat.heard("typing")] == [True, False]


def test_the_longest_message_is_4000_code_points(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    shown.page.get_by_label("Write a message").fill("🙂" * 3990)
    expect(shown.page.get_by_text("10 characters left")).to_be_visible()
    shown.write("🙂" * 4001)
    expect(shown.page.get_by_text("1 characters too many")).to_be_visible()
    shown.write("🙂" * 4000)
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert chat.bodies() == ["🙂" * 4000]


def test_blanks_are_not_sent_and_what_cannot_be_stored_is_replaced(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    shown.write("  \n ")
    shown.page.get_by_label("Write a message").evaluate("(box) => { box.value = 'a\\0b\\ud800c' }")
    shown.page.keyboard.press("Enter")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert chat.bodies() == ["ab\ufffdc"]


def test_enter_within_an_input_method_does_not_send(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    box = shown.page.get_by_label("Write a message")
    box.fill("にほ")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    box.press("Shift+Enter")
    expect(box).to_have_value("にほ\n")
    box.press("Enter")
    expect(box).to_have_value("")
    until(shown.page, chat.bodies)
    assert chat.bodies() == ["にほ\n"]


def test_files_and_forms_are_named_and_linked_but_never_loaded(shown: WidgetPage, chat: FakeChat) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    shown.page.context.on("request", note)
    shown.visit().open()
    picture = {"name": "mug.png", "size": 84_213, "type": "image/png", "url": "https://files.example/mug.png"}
    chat.reply("", kind="image", data=picture)
    chat.reply("", kind="file", data={"name": "x.html", "size": 12, "url": "javascript:alert(1)"})
    chat.reply("", kind="file", data={"name": "plain.txt", "url": "http://files.example/plain.txt"})
    chat.reply("", kind="form", data={"fields": [{"label": "Order", "value": "88121"}, None, {"label": {}}]})
    chat.reply("<img src='//files.example/tag.png'>", kind="hologram", data=[1, 2])
    chat.reply("Unknown data", kind="file", data=7)
    log = shown.page.get_by_role("log")
    expect(log.get_by_text("Unknown data")).to_be_visible()
    link = log.get_by_role("link", name="mug.png")
    expect(link).to_have_attribute("href", "https://files.example/mug.png")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(log.get_by_text("mug.png (84 kB)")).to_be_visible()
    expect(log.get_by_text("x.html")).to_be_visible()
    expect(log.get_by_text("plain.txt")).to_be_visible()
    assert log.get_by_role("link").count() == 1
    expect(log.get_by_role("term").first).to_have_text("Order")
    expect(log.get_by_role("definition").first).to_have_text("88121")
    expect(log.get_by_text("<img src=")).to_be_visible()
    assert SHOP in asked
    assert not [address for address in asked if "files.example" in address]


def test_addresses_in_a_reply_are_links(shown: WidgetPage, chat: FakeChat) -> None:
    shown.visit().open()
    chat.reply("See https://shop.example/help?a=1. Or call.")
    link = shown.page.get_by_role("log").get_by_role("link")
    expect(link).to_have_attribute("href", "https://shop.example/help?a=1")
    assert shown.bubbles() == ["See https://shop.example/help?a=1. Or call."]


def test_name_and_email_are_asked_for_after_the_first_message(shown: WidgetPage, chat: FakeChat) -> None:
    chat.settings = {"mail": True}
    shown.visit().open()
    question = shown.page.get_by_text("Want the answer by e-mail if you leave?")
    until(shown.page, lambda: chat.heard("widget"))
    expect(question).to_be_hidden()
    shown.write("Hi")
    expect(question).to_be_visible()
    email = shown.page.get_by_role("textbox", name="E-mail")
    email.fill("mira.example.com")
    shown.page.get_by_role("button", name="Save").click()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description("This e-mail address doesn't look right.")
    email.fill("mira@example.com")
    email.press("Enter")
    expect(shown.page.get_by_text("we'll write to mira@example.com")).to_be_visible()
    expect(question).to_be_hidden()
    assert chat.heard("identify")[-1] == {"type": "identify", "email": "mira@example.com"}
    shown.visit().open()
    expect(shown.page.get_by_role("log").get_by_text("Hi")).to_be_visible()
    expect(question).to_be_hidden()


def test_the_question_can_be_waved_away_for_good(shown: WidgetPage, chat: FakeChat) -> None:
    chat.settings = {"mail": True}
    shown.visit().open()
    shown.write("Hi")
    shown.page.get_by_role("button", name="No, thanks").click()
    question = shown.page.get_by_text("Want the answer by e-mail if you leave?")
    expect(question).to_be_hidden()
    expect(shown.page.get_by_label("Write a message")).to_be_focused()
    shown.visit().open()
    shown.write("Again")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    expect(question).to_be_hidden()


@pytest.mark.parametrize(
    ("settings", "asked"),
    [({"ask": []}, []), ({"ask": ["name"]}, ["Name"]), ({"ask": ["email"]}, ["E-mail"])],
)
def test_only_what_the_widget_is_set_to_ask_is_asked(
    shown: WidgetPage, chat: FakeChat, settings: dict[str, list[str]], asked: list[str]
) -> None:
    chat.settings = settings
    shown.visit().open()
    shown.write("Hi")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    boxes = [box for box in ("Name", "E-mail") if shown.page.get_by_role("textbox", name=box).is_visible()]
    assert boxes == asked


def test_title_greeting_and_colour_are_the_widgets_own(shown: WidgetPage, chat: FakeChat) -> None:
    chat.settings = {"title": "Northpine", "greeting": "Moin!", "accent": "#ffd400"}
    shown.visit().open()
    expect(shown.page.get_by_role("heading", name="Northpine")).to_be_visible()
    expect(shown.page.get_by_text("Moin!")).to_be_visible()
    header = shown.page.locator("chatadmin-widget header")
    expect(header).to_have_css("background-color", "rgb(255, 212, 0)")
    expect(header).to_have_css("color", "rgb(0, 0, 0)")


def test_a_change_of_address_is_told_once(shown: WidgetPage, chat: FakeChat) -> None:
    shown.page.clock.install()
    shown.visit()
    until(shown.page, lambda: chat.joined)
    shown.page.evaluate("history.pushState(null, '', '/plans'); document.title = 'Plans'")
    shown.page.clock.run_for(600)
    until(shown.page, lambda: chat.heard("page"))
    shown.page.evaluate("history.replaceState({a: 1}, '', '/plans')")
    shown.page.clock.run_for(600)
    shown.page.evaluate("history.replaceState(null, '', '/plans?step=2')")
    shown.page.clock.run_for(600)
    until(shown.page, lambda: len(chat.heard("page")) > 1)
    assert [(frame["url"], frame["title"]) for frame in chat.heard("page")] == [
        (f"{SHOP}plans", "Plans"),
        (f"{SHOP}plans?step=2", "Plans"),
    ]
