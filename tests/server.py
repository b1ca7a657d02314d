"""The real server, as a process of its own, on the database that the tests see."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url() -> str:
    """The test database, as DATABASE_URL."""
    held = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{held['NAME']}"
    return f"postgres://{quote(held['USER'])}:{quote(held['PASSWORD'])}@{held['HOST']}:{held['PORT']}/{held['NAME']}"


class Server:
    """A running server. `url` is its address; `kill` is `kill -9`."""

    # Whether one was killed that others may still miss.
    some_killed = False

    def __init__(self, command: list[str] | None = None, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = command or [sys.executable, "-W", "error", "-m", "chatadmin.serve"]
        self.log = Path(tempfile.mkdtemp(prefix="chatadmin-server-")) / "log"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "chatadmin.settings",
            "SECRET_KEY": settings.SECRET_KEY,
            "REDIS_PREFIX": settings.REDIS_PREFIX,
            "DATABASE_URL": database_url(),
            "CHATADMIN_VAR": str(settings.VAR_DIR),
            "PORT": str(self.port),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """The origin of the server's own pages."""
        return self.url

    def start(self) -> Server:
        """Starts it and waits until it answers. Raises RuntimeError with its log where it doesn't."""
        command = [part.format(port=self.port) for part in self.command]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    answer.read()
                return self
            except OSError:
                time.sleep(0.1)
        self.kill()
        raise RuntimeError(self.log.read_text())

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Asks it to end, as an operator does. Returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Ends it without a word."""
        Server.some_killed = Server.some_killed or self.running
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
