"""Where one process serves the database, a worker beside it is refused at once, and told what to do."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.working import STARTED, Worker


def refusal(worker: Worker) -> str:
    """What it says as it ends, with status 1."""
    with pytest.raises(RuntimeError) as said:
        worker.start()
    assert worker.process is not None and worker.process.returncode == 1
    assert STARTED not in str(said.value) and "Traceback" not in str(said.value)
    return str(said.value)


def test_without_redis(transactional_db: None) -> None:
    """On SQLite as on a PostgreSQL that has no Redis beside it."""
    database = "SQLite" if settings.IS_SQLITE else "Redis"
    said = refusal(Worker(REDIS_URL=""))
    assert database in said and "REDIS_URL=redis://" in said


@pytest.mark.parametrize(
    ("is_sqlite", "url", "says"), [(True, "", "DATABASE_URL=postgres://"), (False, "", "the same REDIS_URL")]
)
def test_each_says_what_is_missing(settings: object, is_sqlite: bool, url: str, says: str) -> None:
    settings.IS_SQLITE, settings.REDIS_URL = is_sqlite, url
    with pytest.raises(CommandError, match=says):
        call_command("worker")
