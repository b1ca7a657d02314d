"""A lost connection, a killed server: every message once, in order."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from conversations.models import Message
from staff.models import Role, Widget
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor

Open = Callable[..., Visitor]


def test_a_client_that_lost_its_connection_resumes_after_its_last_id(server: Server, visit: Open) -> None:
    dana = StaffBrowser(server, make_account("dana@team.example", Role.ADMIN))
    tab = visit()
    tab.hello()
    tab.say("one")
    tab.close()
    for body in ("two", "three"):
        dana.reply(tab.user["id"], body)
    back = visit()
    back.token, back.last = tab.token, tab.last
    back.hello()
    assert [message["body"] for message in back.messages] == ["two", "three"]


def test_kill_9_between_a_message_and_its_ack_loses_and_doubles_nothing(
    server: Server, widget: Widget
) -> None:
    """The server is killed while messages are under way; the client sends again what was not acknowledged."""
    sent: list[tuple[str, str]] = []
    tab = Visitor(server.url, widget.key).open()
    tab.hello()
    for round_ in range(3):
        unacknowledged = [(str(uuid.uuid4()), f"round {round_} line {line}") for line in range(3)]
        sent += unacknowledged
        for key, body in unacknowledged:
            tab.send("message", client_id=key, body=body)
        if round_ == 1:
            tab.expect("ack")
        server.kill()
        server.start()
        again = Visitor(server.url, widget.key).open()
        again.token, again.last = tab.token, tab.last
        again.hello()
        for key, body in unacknowledged:
            again.say(body, key)
        tab = again
    stored = list(Message.objects.order_by("id").values_list("client_id", "body"))
    assert [(str(key), body) for key, body in stored] == sent
    whole = Visitor(server.url, widget.key).open()
    whole.token = tab.token
    whole.hello()
    assert [message["body"] for message in whole.messages] == [body for _, body in sent]


def test_an_acknowledged_message_survives_kill_9(server: Server, widget: Widget) -> None:
    tab = Visitor(server.url, widget.key).open()
    tab.hello()
    ack = tab.say("acknowledged, so it stands")
    server.kill()
    assert Message.objects.get(pk=ack["id"]).body == "acknowledged, so it stands"


def test_a_restart_keeps_identity_and_history(server: Server, widget: Widget) -> None:
    tab = Visitor(server.url, widget.key).open()
    tab.hello()
    tab.say("hello")
    server.stop()
    server.start()
    back = Visitor(server.url, widget.key).open()
    back.token = tab.token
    welcome = back.hello()
    assert welcome["user"]["id"] == tab.user["id"]
    assert [message["body"] for message in back.messages] == ["hello"]


def test_messages_committed_during_a_hello_are_told_once(server: Server, visit: Open) -> None:
    """Listening begins before the history is read; what is in both is told once."""
    writer = visit()
    writer.hello()
    keys = []
    for number in range(8):
        reader = visit()
        reader.token = writer.token
        page = {"url": "", "title": "", "referrer": ""}
        reader.send("hello", v=1, token=writer.token, after=0, page=page)
        writer.say(f"line {number}")
        keys.append(number)
        welcome = reader.expect("welcome")
        told = [message["body"] for message in welcome["messages"]]
        if f"line {number}" not in told:
            told.append(reader.expect("message")["body"])
        assert told == [f"line {known}" for known in keys]
        assert reader.silent(0.2)
        reader.close()
