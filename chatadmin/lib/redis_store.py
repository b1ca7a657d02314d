"""The one Redis client of this process, for what is not the channel layer: leases and limits."""

from __future__ import annotations

import functools

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

UNREACHABLE = (redis.RedisError, OSError)


def configured() -> bool:
    """Whether several processes share their state through Redis."""
    return bool(settings.REDIS_URL)


def key(*parts: str) -> str:
    """This installation's key of that name."""
    return ":".join([settings.REDIS_PREFIX, *parts])


@functools.cache
def client() -> redis.Redis:
    """A client that answers in text and gives up on a dead server after 2 s."""
    return client_of(settings.REDIS_URL)


def client_of(url: str) -> redis.Redis:
    """The same for any address."""
    return redis.Redis.from_url(
        url,
        # At once and once, for a connection that a restart cut: by default it would try for 7 s, with everybody waiting.
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=30,
        max_connections=200,
    )
