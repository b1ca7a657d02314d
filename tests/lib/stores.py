"""Both stores of shared state: in this process, and in Redis where the suite has one."""

from __future__ import annotations

import redis

from chatadmin.lib import redis_store

STORES = ["local", *(["redis"] if redis_store.configured() else [])]


def nobody_listens() -> redis.Redis:
    """A client of a Redis that isn't there."""
    return redis_store.client_of("redis://127.0.0.1:1")
