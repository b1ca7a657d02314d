"""A connection that is lost is no goodbye: the lease runs out by itself, and the visit's end says "estimated"."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from chatadmin.lib import threads
from chatadmin.lib.leases import LocalLeases
from tests.factories import make_widget
from tests.lib.test_bus import until
from tests.lib.test_socket import Peer
from users import presence
from users.models import ChatUser, Visit
from widget.consumers import VisitorSocket

HELLO = {"type": "hello", "v": 1, "token": None}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> LocalLeases:
    made = LocalLeases(presence.TERMS)
    monkeypatch.setattr(presence, "store", lambda: made)
    monkeypatch.setattr(presence, "keep", lambda: None)
    return made


def ended(how: dict[str, Any]) -> None:
    """A tab says hello, and ends in that way."""
    widget = make_widget(allowed_origins=["http://site.example"])
    scope = {
        "type": "websocket",
        "path": "/ws/widget/",
        "query_string": f"key={widget.key}".encode(),
        "headers": [(b"origin", b"http://site.example"), (b"host", b"chat.example")],
        "client": ("127.0.0.1", 1),
    }

    async def run() -> None:
        peer = Peer()
        socket = VisitorSocket(scope, peer.incoming.get, peer.send)
        served = asyncio.create_task(socket.run())
        peer.say(json.dumps(HELLO))
        await until(lambda: any('"welcome"' in text for text in peer.texts))
        peer.incoming.put_nowait({"type": "websocket.disconnect", **how})
        await served

    asyncio.run(run())
    threads.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "how",
    [
        {"code": 1000, "reason": ""},
        {"code": 1001, "reason": ""},
        {"code": 1001},
        # A close frame without a code, as uvicorn and as daphne say it.
        {"code": 1005, "reason": ""},
        {"code": None},
        # The server stops.
        {"code": 1012},
    ],
)
def test_a_goodbye_ends_the_visit_soon(store: LocalLeases, how: dict[str, Any]):
    ended(how)
    now = time.time()
    lapsed = presence.reap(now + presence.GRACE_SECONDS)
    assert [(gone.group, gone.clean) for gone in lapsed] == [(str(ChatUser.objects.get().uuid), True)]
    assert Visit.objects.get().how_ended == "left"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "how",
    [
        # As uvicorn says it, as daphne does, and after pings that nobody answered.
        {"code": 1005},
        {"code": 1006},
        {"code": 1011, "reason": "keepalive ping timeout"},
        {},
    ],
)
def test_a_lost_connection_is_here_until_its_lease_is_over(store: LocalLeases, how: dict[str, Any]):
    ended(how)
    now = time.time()
    assert presence.reap(now + 40) == []
    lapsed = presence.reap(now + presence.LEASE_SECONDS)
    assert [gone.clean for gone in lapsed] == [False]
    visit = Visit.objects.get()
    assert visit.how_ended == "estimated"
    assert visit.ended_at is not None and abs(visit.ended_at.timestamp() - now) < 5
