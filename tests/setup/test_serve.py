"""What happens before the server serves: many processes may start at once on a database that nobody prepared."""

from __future__ import annotations

import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatadmin import serve
from chatadmin.lib import redis_store
from tests.server import ROOT, Server

WAIT = (
    "import sys; from pathlib import Path; import django; django.setup(); from chatadmin import serve\n"
    "with serve.one_at_a_time(Path(sys.argv[1])): print('mine', flush=True)"
)
# Several serve one database only where Redis is between them.
PROCESSES = 3 if redis_store.configured() else 1


def test_who_prepares_is_waited_for(transactional_db: None, tmp_path: Path) -> None:
    server = Server()
    with serve.one_at_a_time(tmp_path):
        waiting = subprocess.Popen(
            [sys.executable, "-c", WAIT, str(tmp_path)],
            cwd=ROOT,
            env=server.environment,
            stdout=subprocess.PIPE,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(3)
    said, _ = waiting.communicate(timeout=20)
    assert (said, waiting.returncode) == (b"mine\n", 0)


def test_those_who_start_at_once_on_a_fresh_database_all_serve(fresh_database: str, tmp_path: Path) -> None:
    """Each with a folder of its own, as on machines of their own, but for the first two."""
    prefix = f"fresh-{secrets.token_hex(8)}"
    servers = [
        Server(
            DATABASE_URL=fresh_database,
            CHATADMIN_VAR=str(tmp_path / f"var{number // 2}"),
            REDIS_PREFIX=prefix,
        )
        for number in range(PROCESSES)
    ]
    try:
        with ThreadPoolExecutor(PROCESSES) as threads:
            started = list(threads.map(Server.start, servers))
        assert all(server.running for server in started)
    finally:
        for server in servers:
            server.stop()
