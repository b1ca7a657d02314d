"""What a scene plays in: servers of their own on a core, somebody signed in, a widget, and the load on the other core."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from django.db import connection

from bench import cores
from bench.serving import cookies, serving
from staff.models import Widget

MODULES = {"ours": "bench.live.server", "stock": "bench.stock.server", "erasing": "bench.erasure.server"}


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
        servers = []
        for number in range(count):
            core = "" if pair is None else str(pair[number % 2])
            environment = {"BENCH_CORE": core, "LIMITS": limits, "REDIS_PREFIX": prefix}
            servers.append(stack.enter_context(serving(MODULES[kind], **environment)))
        signed_in = cookies(servers[0].url)
        widget = Widget.objects.create(name="Benchmark", allowed_origins=["self"])
        connection.close()
        if pair:
            cores.pin(pair[1])
            stack.enter_context(_stores_on(pair[1]))
        yield World(
            [server.url for server in servers],
            [server.process.pid for server in servers],
            widget.key,
            signed_in,
        )


@contextlib.contextmanager
def _stores_on(core: int) -> Iterator[None]:
    """Keeps PostgreSQL's processes for this database, and a Redis of this machine, on that core; Redis gets its own
    cores back."""
    _keep_postgresql(core)
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


def keep_stores() -> None:
    """Keeps those of PostgreSQL's processes on the load's core too that came since the scene began."""
    if pair := cores.cores():
        _keep_postgresql(pair[1])


def _keep_postgresql(core: int) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend'"
        )
        cores.pin_postgresql([process for (process,) in cursor.fetchall()], core)
    connection.close()


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
