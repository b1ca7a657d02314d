"""The real server as a process of its own, on the benchmark's data, and a signed-in browser to ask it."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from bench.places import ROOT
from bench.staff_client import SignInFailed, StaffClient
from staff.models import Account, Role

EMAIL = "bench@chatadmin.example"
START_SECONDS = 60.0


class NoServer(Exception):
    """The server didn't start, or answered with an error; says what it said."""


class Refused(Exception):
    """A page was not given; says which."""


class Browser:
    """One signed-in member of staff with one kept connection."""

    def __init__(self, url: str, password: str) -> None:
        staff = StaffClient(url, connections=1)
        staff.sign_in(EMAIL, password)
        self.cookies = "; ".join(f"{name}={value}" for name, value in staff.cookies.items())
        staff.close()
        self.connection = http.client.HTTPConnection(staff.host, timeout=60)
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
    password = secrets.token_urlsafe(20)
    account, _ = Account.objects.get_or_create(
        email=EMAIL, defaults={"name": "Benchmark", "role": Role.SUPPORT}
    )
    account.set_password(password)
    account.save(update_fields=["password"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(os.environ.get("BENCH_PORT") or probe.getsockname()[1])
    known = {"PORT": str(port), "BENCH_NOW": now, "BENCH_CORE": "" if core is None else str(core)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.server"], cwd=ROOT, env=os.environ | known, stdout=log, stderr=log
        )
        try:
            _wait(process, port, log)
            yield Browser(f"http://127.0.0.1:{port}", password)
        except (SignInFailed, Refused) as error:
            raise NoServer(f"{error}\n{_said(log)}") from error
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise NoServer(_said(log))


def _said(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")
