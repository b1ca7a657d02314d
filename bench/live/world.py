"""What a scene plays in: servers of their own on a core, somebody signed in, a widget, and the load on the other core."""

from __future__ import annotations

import contextlib
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
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import redis
from django.db import connection

from bench import cores
from bench.places import ROOT
from bench.staff_client import StaffClient
from staff.models import Account, Role, Widget

EMAIL = "bench@chatadmin.example"
START_SECONDS = 90.0
MODULES = {"ours": "bench.live.server", "stock": "bench.stock.server"}


class NoServer(Exception):
    """The server didn't start; says what it said."""


@dataclass(frozen=True)
class World:
    """Addresses of the running servers and their processes, the widget's key, the cookies of somebody signed in."""

    urls: list[str]
    processes: list[int]
    key: str
    cookies: str


@contextlib.contextmanager
def world(kind: str = "ours", *, count: int = 1, limits: str = "bench") -> Iterator[World]:
    """So many servers of that kind on the database of the environment. Raises NoServer, SignInFailed."""
    with contextlib.ExitStack() as stack:
        pair = cores.cores()
        # What an earlier scene left in Redis, counts of its visitors too, is nobody's business here.
        prefix = f"bench-{secrets.token_hex(4)}"
        running = []
        for number in range(count):
            core = "" if pair is None else str(pair[number % 2])
            running.append(
                stack.enter_context(_server(MODULES[kind], core, LIMITS=limits, REDIS_PREFIX=prefix))
            )
        password = secrets.token_urlsafe(20)
        account, _ = Account.objects.get_or_create(
            email=EMAIL, defaults={"name": "Benchmark", "role": Role.SUPPORT}
        )
        account.set_password(password)
        account.save(update_fields=["password"])
        widget = Widget.objects.create(name="Benchmark", allowed_origins=["self"])
        urls = [f"http://127.0.0.1:{port}" for port, _ in running]
        cookies = _sign_in(urls[0], password)
        connection.close()
        if pair:
            cores.pin(pair[1])
            stack.enter_context(_stores_on(pair[1]))
        yield World(urls, [process.pid for _, process in running], widget.key, cookies)


def _sign_in(url: str, password: str) -> str:
    staff = StaffClient(url, connections=1)
    try:
        staff.sign_in(EMAIL, password)
        return "; ".join(f"{name}={value}" for name, value in staff.cookies.items())
    finally:
        staff.close()


@contextlib.contextmanager
def _server(module: str, core: str, **environment: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    known = {**os.environ, **environment, "PORT": str(port), "BENCH_CORE": core}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=known, stdout=log, stderr=log
        )
        try:
            _wait(process, port, log)
            yield port, process
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
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            asked.request("GET", "/healthz")
            asked.getresponse().read()
            asked.close()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        else:
            return
    log.seek(0)
    raise NoServer(log.read().decode(errors="replace"))


@contextlib.contextmanager
def _stores_on(core: int) -> Iterator[None]:
    """Keeps PostgreSQL's processes for this database, and a Redis of this machine, on that core; Redis gets its own
    cores back."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend'"
            )
            cores.pin_postgresql([process for (process,) in cursor.fetchall()], core)
        connection.close()
    process = _redis_process()
    held = os.sched_getaffinity(process) if process else set()
    if process:
        cores.pin(core, process)
    try:
        yield
    finally:
        if process:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(process, held)


def _redis_process() -> int:
    """The number of the Redis that the server uses, where it runs on this machine; else 0."""
    url = os.environ.get("REDIS_URL")
    if not url:
        return 0
    try:
        with redis.Redis.from_url(url, socket_timeout=5) as client:
            process = int(client.info("server")["process_id"])
        return process if "redis-server" in Path(f"/proc/{process}/cmdline").read_text() else 0
    except (redis.RedisError, OSError, KeyError):
        return 0
