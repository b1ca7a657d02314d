"""A real worker, as a process of its own, on the database and the Redis that the tests see."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from tests.server import ROOT, Server

STARTED, STOPPED = "event=worker.started", "event=worker.stopped"


class Worker(Server):
    """A running worker. Of a server's ways it has those that ask no socket."""

    def __init__(self, **environment: str) -> None:
        super().__init__([sys.executable, "-W", "error", "manage.py", "worker"], **environment)

    def start(self) -> Worker:
        """Starts it and waits until it works. Raises RuntimeError with its log where it doesn't."""
        said = self.said().count(STARTED)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.running:
            if self.said().count(STARTED) > said:
                return self
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(self.said())

    def said(self) -> str:
        """Its log."""
        return self.log.read_text() if self.log.exists() else ""

    def interrupt(self) -> int:
        """Ctrl-C. Returns its exit status."""
        return self._end(signal.SIGINT)

    def pause(self) -> None:
        """It does nothing, and says nothing, until it is killed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
