"""The widget in a browser when the connection, the server or the person goes: nothing is lost, doubled or shown to the next one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.widget.fake_chat import FakeChat, Widget, until

OFFLINE = "Offline, will send when you are back"


@pytest.fixture
def widget(page: Page, chat: FakeChat) -> Widget:
    return Widget(page, chat)


def connected(widget: Widget, chat: FakeChat) -> Widget:
    """Visits with a clock that the test moves, and waits for the welcome."""
    widget.page.clock.install()
    widget.visit()
    until(widget.page, lambda: chat.joined)
    return widget


def test_what_was_written_offline_is_sent_once_after_a_reload(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.refuses_with = 1012
    chat.hang_up()
    widget.write("First")
    widget.write("Second")
    widget.page.clock.run_for(2100)
    expect(widget.page.get_by_text(OFFLINE)).to_be_visible()
    widget.page.reload()
    widget.open()
    assert widget.bubbles() == ["First", "Second"]
    assert not chat.heard("message")
    chat.refuses_with = 0
    widget.page.clock.run_for(16_000)
    expect(widget.page.get_by_text("Sent", exact=True)).to_be_visible()
    expect(widget.page.get_by_text(OFFLINE)).to_be_hidden()
    assert chat.bodies() == ["First", "Second"]
    assert widget.bubbles() == ["First", "Second"]


def test_a_message_whose_ack_was_lost_is_sent_again_under_the_same_id(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.silent = True
    widget.write("Did you get this?")
    sent = until(widget.page, lambda: chat.heard("message"))[0]
    chat.keep("visitor", sent["body"], client_id=sent["client_id"])
    chat.silent = False
    chat.hang_up()
    widget.page.clock.run_for(1000)
    expect(widget.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert widget.bubbles() == ["Did you get this?"]
    assert chat.bodies() == ["Did you get this?"]


def test_without_an_ack_the_same_message_goes_out_again(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.silent = True
    widget.write("Hello?")
    until(widget.page, lambda: chat.heard("message"))
    chat.silent = False
    widget.page.clock.run_for(10_100)
    expect(widget.page.get_by_text("Sent", exact=True)).to_be_visible()
    first, second = chat.heard("message")
    assert first == second
    assert widget.bubbles() == ["Hello?"]


def test_replies_that_came_meanwhile_are_caught_up_with_in_order(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.reply("One")
    two = chat.reply("Two")
    expect(widget.page.get_by_text("Two")).to_be_visible()
    missed = chat.keep("staff", "Three")
    widget.page.clock.run_for(7000)
    chat.say("ping")
    until(widget.page, lambda: chat.heard("pong"))
    chat.say("message", **(missed | {"id": missed["id"] + 1, "body": "Four"}))
    expect(widget.page.get_by_text("Four")).to_be_visible()
    chat.hang_up()
    widget.page.clock.run_for(1000)
    expect(widget.page.get_by_text("Three")).to_be_visible()
    assert widget.bubbles() == ["One", "Two", "Three", "Four"]
    assert chat.heard("hello")[-1]["after"] == two["id"]


def test_a_flood_is_paced_and_a_refused_message_tried_again(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    widget.page.clock.pause_at(widget.page.evaluate("Date.now()") / 1000 + 1)
    for number in range(12):
        widget.write(f"Line {number}")
    until(widget.page, lambda: len(chat.bodies()) == 10)
    chat.too_fast = 1
    for _ in range(8):
        widget.page.clock.run_for(1000)
    until(widget.page, lambda: len(chat.bodies()) == 12)
    assert chat.bodies() == [f"Line {number}" for number in range(12)]
    assert len(chat.heard("message")) == 13
    assert widget.bubbles() == chat.bodies()


def test_a_message_that_is_refused_is_said_so(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.silent = True
    widget.write("Not this")
    sent = until(widget.page, lambda: chat.heard("message"))[0]
    chat.say("error", code="invalid", detail="", client_id=sent["client_id"])
    expect(widget.page.get_by_text("Could not be sent")).to_be_visible()


def test_a_silent_socket_is_dropped(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat)
    for _ in range(3):
        widget.page.clock.run_for(15_000)
        chat.say("ping")
        until(widget.page, lambda: chat.heard("pong"))
        chat.frames.clear()
    assert len(chat.sockets) == 1
    widget.page.clock.run_for(46_000)
    widget.page.clock.run_for(1000)
    until(widget.page, lambda: len(chat.sockets) == 2)


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 4408])
def test_it_comes_back_after(widget: Widget, chat: FakeChat, code: int) -> None:
    connected(widget, chat)
    if code == 1006:  # no close frame: nobody can send that one
        widget.page.evaluate("dispatchEvent(new Event('offline'))")
    else:
        chat.hang_up(code)
    widget.page.clock.run_for(1000)
    until(widget.page, lambda: len(chat.heard("hello")) == 2)
    first, second = chat.heard("hello")
    assert first["token"] is None
    assert second["token"] in chat.people


@pytest.mark.parametrize("code", [4413, 4429])
def test_it_stays_away_for_half_a_minute_after(widget: Widget, chat: FakeChat, code: int) -> None:
    connected(widget, chat)
    chat.hang_up(code)
    widget.page.clock.run_for(29_000)
    widget.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1
    widget.page.clock.run_for(17_000)
    until(widget.page, lambda: len(chat.sockets) == 2)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4400, "Chat is not available here"),
        (4403, "Chat is not available here"),
        (4401, "We could not confirm who you are"),
    ],
)
def test_it_gives_up_after(widget: Widget, chat: FakeChat, code: int, words: str) -> None:
    connected(widget, chat).open()
    chat.hang_up(code)
    expect(widget.page.get_by_text(words)).to_be_visible()
    expect(widget.page.get_by_label("Write a message")).to_be_disabled()
    widget.page.clock.run_for(60_000)
    widget.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1


def test_the_network_coming_back_is_not_slept_through(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat)
    chat.refuses_with = 1012
    chat.hang_up()
    for _ in range(6):
        widget.page.clock.run_for(16_000)
    tried = until(widget.page, lambda: len(chat.sockets) > 3 and len(chat.sockets))
    chat.refuses_with = 0
    widget.page.evaluate("dispatchEvent(new Event('online'))")
    until(widget.page, lambda: len(chat.heard("hello")) == 2)
    assert len(chat.sockets) == tried + 1


def test_forgetting_leaves_nothing_and_waits_for_the_visitor(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    widget.write("Forget me")
    expect(widget.page.get_by_text("Sent", exact=True)).to_be_visible()
    chat.people.clear()
    chat.say("forget")
    expect(widget.page.get_by_role("dialog")).to_be_hidden()
    stored = widget.page.evaluate(
        "JSON.stringify([Object.values(localStorage), Object.values(sessionStorage)])"
    )
    assert "token" in stored
    assert chat.heard("message")[0]["client_id"] not in stored
    assert all(token not in stored for token in chat.joined.values())
    widget.page.clock.run_for(60_000)
    widget.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(chat.sockets) == 1
    widget.open()
    until(widget.page, lambda: len(chat.heard("hello")) == 2)
    assert chat.heard("hello")[-1]["token"] is None
    assert chat.heard("hello")[-1]["after"] == 0
    assert widget.bubbles() == []


def test_another_persons_history_never_mixes_with_ours(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.reply("Only for the first one")
    expect(widget.page.get_by_text("Only for the first one")).to_be_visible()
    chat.people.clear()  # their token is worth nothing any more
    chat.hang_up()
    widget.page.clock.run_for(1000)
    until(widget.page, lambda: chat.people)
    expect(widget.page.get_by_text("Only for the first one")).to_have_count(0)


def test_a_changed_history_is_fetched_again_from_its_start(widget: Widget, chat: FakeChat) -> None:
    connected(widget, chat).open()
    chat.reply("Draft")
    expect(widget.page.get_by_text("Draft")).to_be_visible()
    person = next(iter(chat.people.values()))
    person["messages"].clear()
    chat.keep("staff", "From another device")
    chat.say("identified", user=person["user"], reload=True)
    expect(widget.page.get_by_text("From another device")).to_be_visible()
    assert chat.heard("hello")[-1]["after"] == 0
    assert widget.bubbles() == ["From another device"]
