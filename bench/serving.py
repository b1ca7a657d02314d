"""A server of the benchmark's as a process of its own, and somebody who may sign in to it."""

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
from dataclasses import dataclass
from typing import IO

from bench.places import ROOT
from bench.staff_client import StaffClient
from staff.models import Account, Role

EMAIL = "bench@chatadmin.example"
START_SECONDS = 90.0


class NoServer(Exception):
    """The server didn't start, or answered with an error; says what it said."""


@dataclass(frozen=True)
class Serving:
    """A server that runs: its port, its process, and the file of what it says."""

    port: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """All that it wrote on its standard output and error."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


@contextmanager
def serving(module: str, **environment: str) -> Iterator[Serving]:
    """Runs that module as a server until the block ends, on any free port where `PORT` is none. Raises NoServer."""
    port = int(environment.get("PORT") or _free_port())
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, **environment, "PORT": str(port)},
            stdout=log,
            stderr=log,
        )
        server = Serving(port, process, log)
        try:
            _wait(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cookies(url: str) -> str:
    """What the browser of somebody who has just signed in there sends. Raises SignInFailed."""
    password = secrets.token_urlsafe(20)
    account, _ = Account.objects.get_or_create(
        email=EMAIL, defaults={"name": "Benchmark", "role": Role.SUPPORT}
    )
    account.set_password(password)
    account.save(update_fields=["password"])
    staff = StaffClient(url, connections=1)
    try:
        staff.sign_in(EMAIL, password)
        return "; ".join(f"{name}={value}" for name, value in staff.cookies.items())
    finally:
        staff.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Serving) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
            asked.request("GET", "/healthz")
            asked.getresponse().read()
            asked.close()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        else:
            return
    raise NoServer(server.said())
