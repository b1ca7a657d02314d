"""Two servers behind one address: what one of them knows, the other one knows too. On SQLite one does it alone."""

from __future__ import annotations

import re
import time
import uuid

import pytest

from conversations.counters import wrong
from conversations.models import Message
from staff.models import Account, Widget
from tests.cluster import Cluster
from tests.factories import make_person
from tests.server import Server
from tests.staff_http import StaffBrowser, StaffPage
from tests.visitor import Visitor
from users.models import ChatUser, Visit


def tab_of(first: Visitor, server: Server, widget: Widget) -> Visitor:
    """Another tab of the same person, at that server. Nothing is said yet."""
    tab = Visitor(server.url, widget.key)
    tab.token = first.token
    return tab.open()


def presence(page: StaffPage, user: str) -> str:
    """What the page is told of somebody's presence when it asks."""
    page.send("watch", users=[user])
    found = re.search(r'data-presence="(\w+)"', page.expect(f"[data-user='{user}'] [data-slot='dot']"))
    assert found
    return found[1]


def test_a_message_reaches_tabs_and_pages_of_the_other_server(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    with Visitor(here.url, widget.key) as first:
        first.hello()
        user = first.user["id"]
        with tab_of(first, there, widget) as second, at_desk.live() as page:
            second.hello()
            page.watch(user, open=user, last=0)
            ack = first.say("from here")
            assert second.expect("message")["id"] == ack["id"]
            assert "from here" in page.expect(f'data-message="{ack["id"]}"')
            at_desk.reply(user, "from there")
            assert first.expect("message")["body"] == "from there"
            assert second.expect("message")["body"] == "from there"
    assert list(wrong()) == []


def test_what_is_redacted_there_changes_in_the_tab_here(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    goes = make_person("Ana Okafor", "ana.okafor@northpine.example")
    with Visitor(here.url, widget.key) as first:
        first.hello()
        with tab_of(first, there, widget) as second:
            second.hello()
            said = first.say("Write to ana.okafor@northpine.example")
            assert second.expect("message")["id"] == said["id"]
            at_desk.post(f"/users/{goes.uuid}/mentions/", message=str(said["id"]))
            for tab in (first, second):
                told = tab.expect("redacted")
                assert (told["id"], told["body"]) == (said["id"], "Write to [redacted]")


def test_typing_and_reading_are_told_across(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    with Visitor(here.url, widget.key) as tab, at_desk.live() as page:
        tab.hello()
        user = tab.user["id"]
        page.watch(user, open=user, last=0)
        tab.send("typing", on=True)
        assert page.expect('data-typing="true"')
        page.send("typing", user=user, on=True)
        assert tab.expect("typing")["on"] is True
        ack = tab.say("read me")
        page.expect(f'data-message="{ack["id"]}"')
        page.send("read", user=user, up_to=ack["id"])
        assert tab.expect("read")["up_to"] == ack["id"]


def test_tabs_at_two_servers_are_one_person_until_the_last_is_closed(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    first = Visitor(here.url, widget.key).open()
    first.hello()
    user = first.user["id"]
    second = tab_of(first, there, widget)
    second.hello()
    with at_desk.live() as page:
        assert presence(page, user) == "online"
        first.close()
        time.sleep(8)
        assert presence(page, user) == "online"
        second.close()
        assert page.expect('data-presence="offline"', seconds=15)
    assert ChatUser.objects.get().visit_count == 1
    assert Visit.objects.get().how_ended == "left"


def test_people_of_a_killed_server_are_gray_within_a_minute(
    two: Cluster, here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    tab = Visitor(here.url, widget.key).open()
    tab.hello()
    user = tab.user["id"]
    killed_at = time.monotonic()
    here.kill()
    two.revive()
    with at_desk.live() as page:
        # A lone server forgets with its memory who was there.
        if presence(page, user) == "online":
            page.expect('data-presence="offline"', seconds=62)
    assert time.monotonic() - killed_at < 62
    tab.socket.close_socket()


def test_signing_out_here_closes_the_page_there(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    with at_desk.live() as page:
        page.watch()
        at_desk.server = here
        assert at_desk.post("/logout/")[0] == 302
        assert page.closed() == 4401


def test_staff_who_come_and_go_at_one_server_do_for_the_visitors_of_the_other(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser
) -> None:
    with Visitor(here.url, widget.key) as tab, Visitor(there.url, widget.key) as other:
        both = (tab, other)
        for one in both:
            while one.hello()["staff_online"]:  # those of the test before
                time.sleep(1)
        with at_desk.live():
            assert [one.expect("settings")["staff_online"] for one in both] == [True, True]
        assert [one.expect("settings", 15)["staff_online"] for one in both] == [False, False]
        assert all(one.silent(but=("ping",)) for one in both)


def test_ten_messages_at_once_are_ten_at_both_together(here: Server, there: Server, widget: Widget) -> None:
    with Visitor(here.url, widget.key) as first:
        first.hello()
        with tab_of(first, there, widget) as second:
            second.hello()
            began = time.monotonic()
            for number in range(40):
                tab = (first, second)[number % 2]
                tab.send("message", client_id=str(uuid.uuid4()), body=str(number))
            answers = [tab.expect_any("ack", "error") for _ in range(20) for tab in (first, second)]
            taken = sum(answer["type"] == "ack" for answer in answers)
            refused = {answer["code"] for answer in answers if answer["type"] == "error"}
            assert 10 <= taken <= 11 + (time.monotonic() - began)
            assert refused == {"too_fast"}
    assert Message.objects.count() == taken


def test_twelve_sockets_of_a_visitor_are_twelve_at_both_together(
    here: Server, there: Server, widget: Widget
) -> None:
    first = Visitor(here.url, widget.key).open()
    first.hello()
    tabs = [first]
    for number in range(11):
        tabs.append(tab_of(first, (there, here)[number % 2], widget))
        tabs[-1].hello()
    last = tab_of(first, there, widget)
    last.send("hello", v=1, token=first.token)
    assert last.closed() == 4429
    assert first.say("the others go on")["id"]
    for tab in tabs:
        tab.close()


def test_who_is_erased_there_is_forgotten_here(
    here: Server, there: Server, widget: Widget, at_desk: StaffBrowser, dana: Account
) -> None:
    with Visitor(here.url, widget.key) as tab, Visitor(here.url, widget.key) as other:
        tab.hello()
        other.hello()
        tab.say("forget me")
        gone = tab.user["id"]
        found = re.search(r'data-confirm-word="([^"]+)"', at_desk.get(f"/users/{gone}/delete/")[1])
        assert found
        fields = {"confirm": found[1], "reason": "test", "ticket": ""}
        assert at_desk.post(f"/users/{gone}/delete/", **fields)[0] == 302
        tab.expect("forget", seconds=2)
        assert tab.closed()
        assert other.say("and I stay")["id"]
    assert ChatUser.objects.count() == 1


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_server_that_ends_loses_nothing(
    two: Cluster, here: Server, there: Server, widget: Widget, how: str
) -> None:
    tab = Visitor(here.url, widget.key).open()
    tab.hello()
    # Said twice they are ten, as many as somebody may say at once.
    said = [(str(uuid.uuid4()), f"line {number}") for number in range(5)]
    for key, body in said:
        tab.send("message", client_id=key, body=body)
    tab.expect("ack")
    (here.stop if how == "SIGTERM" else here.kill)()
    assert tab.closed() == (1012 if how == "SIGTERM" else 1006)
    if there is here:
        two.revive()
    with tab_of(tab, there, widget) as again:
        again.last = tab.last
        again.hello()
        acks = [again.say(body, key)["id"] for key, body in said]
    assert acks == sorted(acks)
    stored = Message.objects.order_by("pk").values_list("pk", "body")
    assert list(stored) == list(zip(acks, [body for _, body in said], strict=True))
    assert list(wrong()) == []
