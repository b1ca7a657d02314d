"""Django's cache in Redis, shared by all processes; while Redis can't be reached each has its own.

What is kept in it are counts of wrong passwords: people can sign in all the same then, and guessers are still counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import redis
import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from chatadmin.lib import redis_store

log = structlog.get_logger("chatadmin.cache")

MOST_KEPT = 100_000


class _Client(RedisCacheClient):
    def get_client(self, key: Any = None, *, write: bool = False) -> redis.Redis:
        return redis_store.bytes_client()


def _or_here(name: str) -> Callable[..., Any]:
    shared, own = getattr(RedisCache, name), getattr(LocMemCache, name)

    @wraps(shared)
    def called(self: SharedCache, *args: Any, **options: Any) -> Any:
        try:
            return shared(self, *args, **options)
        except redis_store.UNREACHABLE as error:
            log.warning("cache.unreachable", error=type(error).__name__)
            return own(self.meanwhile, *args, **options)

    return called


class SharedCache(RedisCache):
    """For CACHES; `LOCATION` is REDIS_URL."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
        self.meanwhile = LocMemCache("meanwhile", {"OPTIONS": {"MAX_ENTRIES": MOST_KEPT}})

    add = _or_here("add")
    get = _or_here("get")
    set = _or_here("set")
    touch = _or_here("touch")
    delete = _or_here("delete")
    get_many = _or_here("get_many")
    has_key = _or_here("has_key")
    incr = _or_here("incr")
    set_many = _or_here("set_many")
    delete_many = _or_here("delete_many")
    clear = _or_here("clear")
