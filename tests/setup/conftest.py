"""A database for tests that start what prepares one, and which of these tests need several processes on one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.server import database_url

collect_ignore = [] if settings.REDIS_URL else ["test_worker.py"]


@pytest.fixture
def fresh_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which there is nothing."""
    if settings.IS_SQLITE:
        yield f"sqlite:///{tmp_path}/fresh.sqlite3"
        return
    name = f"fresh_{secrets.token_hex(8)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield f"{database_url().rpartition('/')[0]}/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
