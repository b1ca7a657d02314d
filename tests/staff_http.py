"""A member of staff against the real server: their session, a reply, and a page's live socket."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from typing import Any, Self
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from websockets.sync.client import connect

from staff.models import Account
from tests.server import Server
from tests.sockets import PATIENCE_SECONDS, close_code

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
CSRF = "0123456789abcdefghijklmnopqrstuv"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class StaffBrowser:
    """What a browser of that account would send. `get` and `post` don't follow redirects."""

    def __init__(self, server: Server, account: Account) -> None:
        self.server, self.account = server, account
        session = SessionStore()
        session[SESSION_KEY] = str(account.pk)
        session[BACKEND_SESSION_KEY] = BACKEND
        session[HASH_SESSION_KEY] = account.get_session_auth_hash()
        session.create()
        self.session_key = session.session_key
        self.cookies = (
            f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={CSRF}"
        )
        self.opener = urllib.request.build_opener(_Stay())

    def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        return self._ask(urllib.request.Request(self.server.url + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Status and text."""
        body = urlencode({**fields, "csrfmiddlewaretoken": CSRF}).encode()
        return self._ask(urllib.request.Request(self.server.url + path, data=body))

    def reply(self, user: str, body: str, client_id: str | None = None) -> None:
        """Replies to that person."""
        status, text = self.post(
            f"/users/{user}/messages/", body=body, client_id=client_id or str(uuid.uuid4())
        )
        assert status in (200, 204, 302), (status, text[:500])

    def live(self) -> StaffPage:
        """A page's socket, connected."""
        return StaffPage(self.server.url, self.cookies)

    def _ask(self, request: urllib.request.Request) -> tuple[int, str]:
        request.add_header("Cookie", self.cookies)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()


class StaffPage:
    """One page's end of the staff socket."""

    def __init__(self, url: str, cookies: str, origin: str | None = None) -> None:
        self.socket = connect(
            f"{url.replace('http', 'ws', 1)}/ws/staff/",
            origin=origin or url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies},
            open_timeout=PATIENCE_SECONDS,
            legacy=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: str, **fields: Any) -> None:
        """Sends a frame."""
        text = json.dumps({"type": kind, **fields})
        if kind == "watch":
            self.watched = text
        self.socket.send(text)

    def watch(self, *users: str, open: str | None = None, last: int | None = None, **listing: Any) -> str:
        """Says what the page shows (`list`, `counted`: of a list), and returns the state that comes back."""
        self.send("watch", users=list(users), open=open, last=last, **listing)
        return self.expect("[data-user='") if users or open else ""

    def expect(self, part: str, seconds: float = PATIENCE_SECONDS) -> str:
        """The next fragment or frame that holds `part`. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            text = str(self.socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            if part in text:
                return text
            if text == '{"type": "ping"}':
                self.send("pong")
            # Something was lost, and nothing more is told until the page asks.
            if text == '{"type": "lagged"}':
                self.socket.send(self.watched)

    def closed(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Waits for the server to close. Returns its close code."""
        return close_code(self.socket, seconds)
