"""Whether the PostgreSQL and the Redis that the tests use answer: `services.py postgresql|redis`.

Prints what is missing and ends with status 1 where one doesn't. $TEST_DATABASE_URL and $TEST_REDIS_URL say
where they are; without them, their standard local ports.
"""

from __future__ import annotations

import os
import sys

import psycopg
import redis

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
OLDEST_POSTGRESQL = 150_000


def missing_postgresql(url: str = DATABASE_URL) -> str:
    """Why tests can't use the PostgreSQL at `url`, or "" where they can."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        return f"no PostgreSQL at TEST_DATABASE_URL ({str(error).splitlines()[0]})"
    return "" if version >= OLDEST_POSTGRESQL else "the PostgreSQL at TEST_DATABASE_URL is older than 15"


def missing_redis(url: str = REDIS_URL) -> str:
    """Why tests can't use the Redis at `url`, or "" where they can."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        return f"no Redis at TEST_REDIS_URL ({error})"
    return ""


if __name__ == "__main__":
    reason = {"postgresql": missing_postgresql, "redis": missing_redis}[sys.argv[1]]()
    if reason:
        sys.exit(reason)
