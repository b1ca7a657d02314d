"""This process's clients of Redis, for what is not the channel layer: leases, limits, the cache."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any, cast

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from chatadmin.lib.breaker import Breaker

log = structlog.get_logger("chatadmin.redis")

UNREACHABLE = (redis.RedisError, OSError)
PATIENCE_SECONDS = 2.0


class Hangs(redis.ConnectionError):
    """Redis didn't answer in time, and hasn't answered since: it wasn't asked."""


def configured() -> bool:
    """Whether several processes share their state through Redis."""
    return bool(settings.REDIS_URL)


def key(*parts: str) -> str:
    """This installation's key of that name."""
    return ":".join([settings.REDIS_PREFIX, *parts])


@functools.cache
def client() -> redis.Redis:
    """A client that answers in text and gives up on a dead server after 2 s.

    On one that hangs it gives up once: until Redis answers again, it raises `Hangs` without asking.
    """
    return client_of(settings.REDIS_URL)


@functools.cache
def bytes_client() -> redis.Redis:
    """The same, but that it answers in bytes."""
    return client_of(settings.REDIS_URL, in_text=False)


def client_of(url: str, *, in_text: bool = True) -> redis.Redis:
    """The same for any address."""
    made = _Client.from_url(url, max_connections=200, decode_responses=in_text, **_OPTIONS)
    cast("_Client", made).breaker = _breaker(url)
    return made


@functools.cache
def _breaker(url: str) -> Breaker:
    return Breaker(functools.partial(_answers, url))


_OPTIONS: dict[str, Any] = {
    # At once and once, for a connection that a restart cut: by default it would try for 7 s, with everybody waiting.
    # Whoever doesn't answer in time isn't asked again.
    "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    "socket_timeout": PATIENCE_SECONDS,
    "socket_connect_timeout": PATIENCE_SECONDS,
    "health_check_interval": 30,
}


@contextlib.contextmanager
def _tripping(breaker: Breaker) -> Iterator[None]:
    """Keeps everybody off Redis where what is done here takes too long."""
    try:
        yield
    except redis.TimeoutError:
        log.warning("redis.hangs")
        breaker.trip()
        raise


class _Pipeline(Pipeline):
    breaker: Breaker

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with _tripping(self.breaker):
            return super().execute(raise_on_error)


class _Client(redis.Redis):
    breaker: Breaker

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._need_answers()
        with _tripping(self.breaker):
            return super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        self._need_answers()
        made = _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        made.breaker = self.breaker
        return made

    def _need_answers(self) -> None:
        if self.breaker.is_open:
            raise Hangs("Redis hangs")


def _answers(url: str) -> bool:
    """Whether Redis answers, or refuses: both are quick. Nobody else waits for this."""
    try:
        with redis.Redis.from_url(url, **_OPTIONS) as probe:
            probe.ping()
    except redis.TimeoutError:
        return False
    except UNREACHABLE:
        return True
    return True
