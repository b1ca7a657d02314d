"""daphne is supported too: hello, message, ack, disconnect."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import make_widget
from tests.server import Server
from tests.visitor import Visitor
from tests.widget.raw import CLOSE, Raw, frame
from users.models import ChatUser, Visit

DAPHNE = ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "chatadmin.asgi:application"]


@pytest.fixture
def daphne(transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    # Not -W error: Twisted itself warns of what it deprecates.
    server = Server([sys.executable, *DAPHNE], CHATADMIN_VAR=str(tmp_path)).start()
    yield server
    server.stop()


def test_hello_message_ack_and_disconnect(daphne: Server) -> None:
    widget = make_widget(allowed_origins=["self"])
    with Visitor(daphne.url, widget.key) as tab:
        tab.hello()
        ack = tab.say("over daphne")
        tab.send("ping")
        tab.expect("pong")
    with Visitor(daphne.url, widget.key) as again:
        again.token = tab.token
        assert again.hello()["messages"][0]["id"] == ack["id"]
    assert ChatUser.objects.get().visit_count == 1


def test_a_close_frame_without_a_code_is_a_goodbye(daphne: Server) -> None:
    with Raw(daphne) as line:
        line.greet(make_widget(allowed_origins=["self"]))
        line.send(frame(CLOSE))
        assert line.closed() == 1000
    deadline = time.monotonic() + 15
    while not (visit := Visit.objects.get()).how_ended:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert visit.how_ended == "left"
    assert "socket.failed" not in daphne.log.read_text()
