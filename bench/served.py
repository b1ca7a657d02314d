"""The real server as a process of its own, on the benchmark's data, and a signed-in browser to ask it."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from bench.serving import NoServer, cookies, serving
from bench.staff_client import SignInFailed


class Refused(Exception):
    """A page was not given; says which."""


class Browser:
    """One signed-in member of staff with one kept connection."""

    def __init__(self, url: str) -> None:
        self.cookies = cookies(url)
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self.partial = self.asked = 0

    def get(self, query: str) -> str:
        """The list's page for that query. Raises Refused where it isn't status 200."""
        self.connection.request("GET", f"/users/?{query}", headers={"Cookie": self.cookies})
        answer = self.connection.getresponse()
        page = answer.read().decode()
        if answer.status != 200:
            raise Refused(f"/users/?{query} answered {answer.status}")
        self.asked += 1
        self.partial += 'data-partial="true"' in page
        return page

    def timed(self, query: str) -> dict[str, float]:
        """The milliseconds from the request to the last byte of the page."""
        began = time.perf_counter()
        self.get(query)
        return {"http": 1000 * (time.perf_counter() - began)}


@contextmanager
def served(now: str, core: int | None) -> Iterator[Browser]:
    """A browser at a server of its own, which runs on `core` and believes that it is `now`. Raises NoServer."""
    environment = {"BENCH_NOW": now, "BENCH_CORE": "" if core is None else str(core)}
    with serving("bench.server", PORT=os.environ.get("BENCH_PORT", ""), **environment) as server:
        try:
            yield Browser(server.url)
        except (SignInFailed, Refused) as error:
            raise NoServer(f"{error}\n{server.said()}") from error
