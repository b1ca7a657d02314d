"""daphne is supported too: hello, message, ack, disconnect."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.factories import make_widget
from tests.server import Server
from tests.visitor import Visitor
from users.models import ChatUser

DAPHNE = ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "chatadmin.asgi:application"]


def test_hello_message_ack_and_disconnect(transactional_db: None, tmp_path: Path) -> None:
    # Not -W error: Twisted itself warns of what it deprecates.
    server = Server([sys.executable, *DAPHNE], CHATADMIN_VAR=str(tmp_path)).start()
    try:
        widget = make_widget(allowed_origins=["self"])
        with Visitor(server.url, widget.key) as tab:
            tab.hello()
            ack = tab.say("over daphne")
            tab.send("ping")
            tab.expect("pong")
        with Visitor(server.url, widget.key) as again:
            again.token = tab.token
            assert again.hello()["messages"][0]["id"] == ack["id"]
        assert ChatUser.objects.get().visit_count == 1
    finally:
        server.stop()
