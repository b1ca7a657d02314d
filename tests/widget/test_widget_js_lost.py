"""The widget in a browser when the connection, the server or the person goes: nothing is lost, doubled or shown to the next one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.widget.fake_chat import FakeChat, WidgetPage, until

OFFLINE = "Offline, will send when you are back"


@pytest.fixture
def shown(page: Page, chat: FakeChat) -> WidgetPage:
    return WidgetPage(page, chat)


def connected(shown: WidgetPage, chat: FakeChat) -> WidgetPage:
    """Visits with a clock that the test moves, and waits for the welcome."""
    shown.page.clock.install()
    shown.visit()
    until(shown.page, lambda: chat.joined)
    return shown


def test_what_was_written_offline_is_sent_once_after_a_reload(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.refuses_with = 1012
    chat.hang_up()
    shown.write("First")
    shown.write("Second")
    shown.page.clock.run_for(2100)
    expect(shown.page.get_by_text(OFFLINE)).to_be_visible()
    shown.page.reload()
    shown.open()
    assert shown.bubbles() == ["First", "Second"]
    assert not chat.heard("message")
    chat.refuses_with = 0
    shown.page.clock.run_for(16_000)
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    expect(shown.page.get_by_text(OFFLINE)).to_be_hidden()
    assert chat.bodies() == ["First", "Second"]
    assert shown.bubbles() == ["First", "Second"]


def test_a_message_whose_ack_was_lost_is_sent_again_under_the_same_id(
    shown: WidgetPage, chat: FakeChat
) -> None:
    connected(shown, chat).open()
    chat.silent = True
    shown.write("Did you get this?")
    sent = until(shown.page, lambda: chat.heard("message"))[0]
    chat.keep("visitor", sent["body"], client_id=sent["client_id"])
    chat.silent = False
    chat.hang_up()
    shown.page.clock.run_for(1000)
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert shown.bubbles() == ["Did you get this?"]
    assert chat.bodies() == ["Did you get this?"]


def test_without_an_ack_the_same_message_goes_out_again(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.silent = True
    shown.write("Hello?")
    until(shown.page, lambda: chat.heard("message"))
    chat.silent = False
    shown.page.clock.run_for(10_100)
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    first, second = chat.heard("message")
    assert first == second
    assert shown.bubbles() == ["Hello?"]


def test_replies_that_came_meanwhile_are_caught_up_with_in_order(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.reply("One")
    two = chat.reply("Two")
    expect(shown.page.get_by_text("Two")).to_be_visible()
    missed = chat.keep("staff", "Three")
    shown.page.clock.run_for(7000)
    chat.say("ping")
    until(shown.page, lambda: chat.heard("pong"))
    chat.say("message", **(missed | {"id": missed["id"] + 1, "body": "Four"}))
    expect(shown.page.get_by_text("Four")).to_be_visible()
    chat.hang_up()
    shown.page.clock.run_for(1000)
    expect(shown.page.get_by_text("Three")).to_be_visible()
    assert shown.bubbles() == ["One", "Two", "Three", "Four"]
    assert chat.heard("hello")[-1]["after"] == two["id"]


def test_a_flood_is_paced_and_a_refused_message_tried_again(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    shown.page.clock.pause_at(shown.page.evaluate("Date.now()") / 1000 + 1)
    for number in range(12):
        shown.write(f"Line {number}")
    until(shown.page, lambda: len(chat.bodies()) == 10)
    chat.too_fast = 1
    for _ in range(8):
        shown.page.clock.run_for(1000)
    until(shown.page, lambda: len(chat.bodies()) == 12)
    assert chat.bodies() == [f"Line {number}" for number in range(12)]
    assert len(chat.heard("message")) == 13
    assert shown.bubbles() == chat.bodies()


def test_a_message_that_is_refused_is_said_so(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.silent = True
    shown.write("Not this")
    sent = until(shown.page, lambda: chat.heard("message"))[0]
    chat.say("error", code="invalid", detail="", client_id=sent["client_id"])
    expect(shown.page.get_by_text("Could not be sent")).to_be_visible()


def test_a_silent_socket_is_dropped(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat)
    for _ in range(3):
        shown.page.clock.run_for(15_000)
        chat.say("ping")
        until(shown.page, lambda: chat.heard("pong"))
        chat.frames.clear()
    assert len(chat.sockets) == 1
    shown.page.clock.run_for(46_000)
    shown.page.clock.run_for(1000)
    until(shown.page, lambda: len(chat.sockets) == 2)


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 4408])
def test_it_comes_back_after(shown: WidgetPage, chat: FakeChat, code: int) -> None:
    connected(shown, chat)
    if code == 1006:  # no close frame: nobody can send that one
        shown.page.evaluate("dispatchEvent(new Event('offline'))")
    else:
        chat.hang_up(code)
    shown.page.clock.run_for(1000)
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    first, second = chat.heard("hello")
    assert first["token"] is None
    assert second["token"] in chat.people


@pytest.mark.parametrize("code", [4413, 4429])
def test_it_stays_away_for_half_a_minute_after(shown: WidgetPage, chat: FakeChat, code: int) -> None:
    connected(shown, chat)
    chat.hang_up(code)
    shown.page.clock.run_for(29_000)
    shown.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1
    shown.page.clock.run_for(17_000)
    until(shown.page, lambda: len(chat.sockets) == 2)


def test_it_gives_up_where_nobody_vouches_for_the_visitor(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.hang_up(4401)
    expect(shown.page.get_by_text("We could not confirm who you are")).to_be_visible()
    expect(shown.page.get_by_label("Write a message")).to_be_disabled()
    shown.page.clock.run_for(120_000)
    shown.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1


@pytest.mark.parametrize("code", [4400, 4403])
def test_refused_it_looks_again_each_minute_and_keeps_what_was_written(
    shown: WidgetPage, chat: FakeChat, code: int
) -> None:
    connected(shown, chat).open()
    box = shown.page.get_by_label("Write a message")
    box.fill("A long draft")
    chat.refuses_with = code
    chat.hang_up(code)
    refused = shown.page.get_by_text("Chat is not available here")
    expect(refused).to_be_visible()
    expect(box).to_be_disabled()
    shown.page.clock.run_for(55_000)
    assert len(chat.sockets) == 1
    shown.page.clock.run_for(21_000)
    until(shown.page, lambda: len(chat.sockets) == 2)
    expect(refused).to_be_visible()
    chat.refuses_with = 0
    shown.page.clock.run_for(76_000)
    expect(refused).to_be_hidden()
    expect(box).to_have_value("A long draft")
    box.press("Enter")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert chat.bodies() == ["A long draft"]


@pytest.mark.parametrize("sign", ["online", "focus"])
def test_refused_it_looks_when_the_visitor_is_back_but_not_all_the_time(
    shown: WidgetPage, chat: FakeChat, sign: str
) -> None:
    connected(shown, chat).open()
    chat.refuses_with = 4403
    chat.hang_up(4403)
    expect(shown.page.get_by_text("Chat is not available here")).to_be_visible()
    shown.page.evaluate(f"dispatchEvent(new Event('{sign}'))")
    assert len(chat.sockets) == 1
    chat.refuses_with = 0
    shown.page.clock.run_for(6_000)
    shown.page.evaluate(f"dispatchEvent(new Event('{sign}'))")
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    expect(shown.page.get_by_text("Chat is not available here")).to_be_hidden()


def test_refused_it_asks_nothing_and_says_nobody_is_here(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    shown.write("Hi")
    chat.silent = True
    shown.page.get_by_role("textbox", name="Name").fill("Mira")
    shown.page.keyboard.press("Enter")
    saving = shown.page.get_by_role("button", name="Saving…")
    expect(saving).to_be_visible()
    expect(shown.page.get_by_text("We are here")).to_be_visible()
    chat.silent = False
    chat.hang_up(4403)
    expect(shown.page.get_by_text("Chat is not available here")).to_be_visible()
    expect(saving).to_be_hidden()
    expect(shown.page.get_by_role("textbox", name="Name")).to_be_hidden()
    expect(shown.page.get_by_text("We are here")).to_be_hidden()
    shown.page.clock.run_for(76_000)
    expect(shown.page.get_by_text("Thanks, Mira.")).to_be_visible()
    expect(shown.page.get_by_text("We are here")).to_be_visible()


def test_the_network_coming_back_is_not_slept_through(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat)
    chat.refuses_with = 1012
    chat.hang_up()
    for _ in range(6):
        shown.page.clock.run_for(16_000)
    tried = until(shown.page, lambda: len(chat.sockets) > 3 and len(chat.sockets))
    chat.refuses_with = 0
    shown.page.evaluate("dispatchEvent(new Event('online'))")
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    assert len(chat.sockets) == tried + 1


def test_forgetting_leaves_nothing_and_waits_for_the_visitor(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    shown.write("Forget me")
    expect(shown.page.get_by_text("Sent", exact=True)).to_be_visible()
    chat.people.clear()
    chat.say("forget")
    expect(shown.page.get_by_role("dialog")).to_be_hidden()
    stored = shown.page.evaluate(
        "JSON.stringify([Object.values(localStorage), Object.values(sessionStorage)])"
    )
    assert "token" in stored
    assert chat.heard("message")[0]["client_id"] not in stored
    assert all(token not in stored for token in chat.joined.values())
    shown.page.clock.run_for(60_000)
    shown.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1
    shown.open()
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    assert chat.heard("hello")[-1]["token"] is None
    assert chat.heard("hello")[-1]["after"] == 0
    assert shown.bubbles() == []


def test_another_persons_history_never_mixes_with_ours(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.reply("Only for the first one")
    expect(shown.page.get_by_text("Only for the first one")).to_be_visible()
    chat.people.clear()  # their token is worth nothing any more
    chat.hang_up()
    shown.page.clock.run_for(1000)
    until(shown.page, lambda: chat.people)
    expect(shown.page.get_by_text("Only for the first one")).to_have_count(0)


def test_a_changed_history_is_fetched_again_from_its_start(shown: WidgetPage, chat: FakeChat) -> None:
    connected(shown, chat).open()
    chat.reply("Draft")
    expect(shown.page.get_by_text("Draft")).to_be_visible()
    person = next(iter(chat.people.values()))
    person["messages"].clear()
    chat.keep("staff", "From another device")
    chat.say("identified", user=person["user"], reload=True)
    expect(shown.page.get_by_text("From another device")).to_be_visible()
    assert chat.heard("hello")[-1]["after"] == 0
    assert shown.bubbles() == ["From another device"]


def test_a_history_longer_than_the_server_gives_at_once_is_asked_for_later(
    shown: WidgetPage, chat: FakeChat
) -> None:
    connected(shown, chat).open()
    chat.silent = True
    shown.page.evaluate("dispatchEvent(new Event('offline'))")
    shown.page.clock.run_for(1000)
    until(shown.page, lambda: len(chat.heard("hello")) == 2)
    chat.silent = False
    chat.say("error", code="too_fast", detail="")

    def three_hellos() -> bool:
        shown.page.clock.run_for(500)
        return len(chat.heard("hello")) == 3

    until(shown.page, three_hellos)
    assert chat.heard("hello")[1] == chat.heard("hello")[2]


def test_an_answer_lost_with_the_connection_is_thanked_for_once_the_server_has_it(
    shown: WidgetPage, chat: FakeChat
) -> None:
    connected(shown, chat).open()
    shown.write("Hi")
    chat.silent = True
    shown.page.get_by_role("textbox", name="Name").fill("Mira")
    shown.page.keyboard.press("Enter")
    expect(shown.page.get_by_role("button", name="Saving…")).to_be_visible()
    next(iter(chat.people.values()))["user"]["name"] = "Mira"
    chat.silent = False
    chat.hang_up()
    shown.page.clock.run_for(1000)
    expect(shown.page.get_by_text("Thanks, Mira.")).to_be_visible()
    assert len(chat.heard("identify")) == 1
