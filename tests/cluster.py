"""Several servers on one database, as in production: with a Redis of their own that can be killed.

On SQLite, which one process serves alone, a cluster is one server, and there is no Redis.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redis
from django.db import connection

from tests.server import Server, free_port

START_SECONDS = 20


class Redis:
    """A redis-server of our own, which keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = Path(tempfile.mkdtemp(prefix="chatadmin-redis-"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Starts it and waits until it answers. Raises RuntimeError with its log where it doesn't."""
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not installed: the tests of many processes start their own.")
        words = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                    client.ping()
                return self
            except redis.RedisError:
                time.sleep(0.05)
        self.kill()
        raise RuntimeError((self.folder / "log").read_text())

    def kill(self) -> None:
        """Ends it without a word; all it knew is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Cluster:
    """So many servers that share a database and a Redis; on SQLite one server. A context manager."""

    def __init__(self, count: int) -> None:
        is_alone = connection.vendor == "sqlite"
        self.redis = None if is_alone else Redis()
        environment = {} if self.redis is None else {"REDIS_URL": self.redis.url}
        self.servers = [Server(**environment) for _ in range(1 if is_alone else count)]

    def __enter__(self) -> Self:
        try:
            if self.redis is not None:
                self.redis.start()
            self.revive()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.stop()
        if self.redis is not None:
            self.redis.kill()

    @property
    def ports(self) -> list[int]:
        """Where the servers listen."""
        return [server.port for server in self.servers]

    def revive(self) -> None:
        """Starts those servers that don't run, one after another."""
        for server in self.servers:
            if not server.running:
                server.start()

    def restart_redis(self, down_seconds: float) -> None:
        """Kills Redis, and starts it again, empty, after a while."""
        assert self.redis is not None
        self.redis.kill()
        time.sleep(down_seconds)
        self.redis.start()
