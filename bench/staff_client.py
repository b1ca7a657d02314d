"""A member of staff as a browser would be one: signs in at `/login/`, posts replies."""

from __future__ import annotations

import asyncio
import http.client
import http.cookies
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 60.0
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class SignInFailed(Exception):
    """The server didn't take the address and password."""


class ReplyFailed(Exception):
    """A reply wasn't taken; `status` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class StaffClient:
    """One member of staff with one session and several connections."""

    def __init__(self, url: str, connections: int = 8) -> None:
        self.host = urlsplit(url).netloc
        self.url = url
        self.cookies: dict[str, str] = {}
        self.form_token = ""
        self.local = threading.local()
        self.connections: list[http.client.HTTPConnection] = []
        self.threads = ThreadPoolExecutor(connections, thread_name_prefix="staff")

    def sign_in(self, email: str, password: str) -> None:
        """Raises SignInFailed."""
        self._ask("GET", "/login/")
        status = self._ask("POST", "/login/", login=email, password=password)
        if status != 302:
            raise SignInFailed(f"/login/ answered {status}")
        # A session of its own has a CSRF token of its own.
        if self._ask("GET", "/users/") != 200:
            raise SignInFailed("the session is not accepted")

    async def reply(self, user: str, body: str, client_id: str) -> None:
        """Posts a reply to that person. Raises ReplyFailed."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.threads, self._reply, user, body, client_id)

    def _reply(self, user: str, body: str, client_id: str) -> None:
        status = self._ask("POST", f"/users/{user}/messages/", body=body, client_id=client_id)
        if status not in (200, 204, 302):
            raise ReplyFailed(status)

    def _ask(self, method: str, path: str, **fields: str) -> int:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": self.url + path,
            "HX-Request": "true",
        }
        content = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["X-CSRFToken"] = self.form_token
            content = urlencode(fields).encode()
        if path in ("/login/", "/users/"):
            del headers["HX-Request"]
        try:
            return self._answer(method, path, content, headers)
        except (http.client.HTTPException, OSError):
            # A kept connection that the server closed meanwhile. The same client_id says nothing twice.
            self.local.connection.close()
            self.local.connection = None
            return self._answer(method, path, content, headers)

    def _answer(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> int:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_SECONDS)
            self.local.connection = connection
            self.connections.append(connection)
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        text = answer.read()
        if path in ("/login/", "/users/"):
            self._remember(answer, text.decode())
        return int(answer.status)

    def _remember(self, answer: http.client.HTTPResponse, text: str) -> None:
        for header in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        found = _CSRF.search(text)
        if found is not None:
            self.form_token = found[1]

    def close(self) -> None:
        """Ends the threads and hangs up."""
        self.threads.shutdown(wait=True, cancel_futures=True)
        for connection in self.connections:
            connection.close()
