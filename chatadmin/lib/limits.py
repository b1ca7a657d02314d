"""Rate limits: token buckets and quotas by key, in this process or in Redis for many processes.

Source: the token bucket of RFC 2697, section 3, with one rate and one burst.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from django.conf import settings

from chatadmin.lib import redis_store

log = structlog.get_logger("chatadmin.limits")

KEEP_KEYS = 50_000
PRUNE_SECONDS = 60.0


@dataclass(frozen=True)
class Rate:
    """`burst` at once, refilled by `per_second`. LIMITS=bench multiplies both."""

    burst: float
    per_second: float

    def scaled(self) -> Rate:
        """The rate as this installation applies it."""
        factor = settings.LIMITS_FACTOR
        return self if factor == 1 else Rate(self.burst * factor, self.per_second * factor)


@dataclass(frozen=True)
class Quota:
    """So many in so many seconds, which begin with the first of them. LIMITS=bench multiplies the number."""

    most: int
    seconds: int

    def scaled(self) -> int:
        """The number as this installation applies it."""
        return self.most * int(settings.LIMITS_FACTOR)


class Bucket:
    """One bucket in memory, for what a single socket may do."""

    __slots__ = ("level", "rate", "stamp")

    def __init__(self, rate: Rate, now: float | None = None) -> None:
        self.rate = rate.scaled()
        self.level = self.rate.burst
        self.stamp = time.monotonic() if now is None else now

    def take(self, now: float | None = None) -> bool:
        """Takes one; False where the bucket is empty."""
        now = time.monotonic() if now is None else now
        self.level = min(self.rate.burst, self.level + max(0.0, now - self.stamp) * self.rate.per_second)
        self.stamp = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def is_full(self, now: float) -> bool:
        """Whether it holds as much as a new one."""
        return self.level + (now - self.stamp) * self.rate.per_second >= self.rate.burst


class Limits(Protocol):
    """Buckets and quotas by key."""

    def take(self, key: str, rate: Rate) -> bool:
        """Takes one from the bucket of `key`; False where it is empty."""
        ...

    def take_many(self, asked: Sequence[tuple[str, Rate]]) -> list[bool]:
        """`take` for each, in order, in one go."""
        ...

    def count(self, key: str, quota: Quota) -> bool:
        """Counts one of `key`; False where that is more than the quota."""
        ...

    def count_many(self, asked: Sequence[tuple[str, Quota]]) -> list[bool]:
        """`count` for each, in order, in one go."""
        ...

    def uncount(self, key: str) -> None:
        """Gives back one that was counted of `key`, within the same seconds: what it was counted for didn't happen."""
        ...


class LocalLimits:
    """Buckets and quotas in this process. What is full or over is forgotten each PRUNE_SECONDS, and past KEEP_KEYS the
    longest unused."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pruned = 0.0
        self.buckets: dict[str, Bucket] = {}
        self.counts: dict[str, tuple[float, int]] = {}

    def take(self, key: str, rate: Rate, now: float | None = None) -> bool:
        now = time.monotonic() if now is None else now
        with self.lock:
            self._prune(now)
            bucket = self.buckets.pop(key, None) or Bucket(rate, now)
            self.buckets[key] = bucket
            while len(self.buckets) > KEEP_KEYS:
                del self.buckets[next(iter(self.buckets))]
            return bucket.take(now)

    def take_many(self, asked: Sequence[tuple[str, Rate]]) -> list[bool]:
        return [self.take(key, rate) for key, rate in asked]

    def count(self, key: str, quota: Quota, now: float | None = None) -> bool:
        now = time.monotonic() if now is None else now
        with self.lock:
            self._prune(now)
            ends, used = self.counts.pop(key, (now, 0))
            if ends <= now:
                ends, used = now + quota.seconds, 0
            self.counts[key] = ends, used + 1
            while len(self.counts) > KEEP_KEYS:
                del self.counts[next(iter(self.counts))]
            return used < quota.scaled()

    def count_many(self, asked: Sequence[tuple[str, Quota]]) -> list[bool]:
        return [self.count(key, quota) for key, quota in asked]

    def uncount(self, key: str) -> None:
        with self.lock:
            ends, used = self.counts.get(key, (0.0, 0))
            if used:
                self.counts[key] = ends, used - 1

    def _prune(self, now: float) -> None:
        # Keys stand for people and their addresses: none is kept for longer than it counts.
        if now - self.pruned < PRUNE_SECONDS:
            return
        self.pruned = now
        self.counts = {key: count for key, count in self.counts.items() if count[0] > now}
        self.buckets = {key: bucket for key, bucket in self.buckets.items() if not bucket.is_full(now)}


_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local taken = {}
for i, key in ipairs(KEYS) do
  local burst, rate = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local held = redis.call('HMGET', key, 'level', 'stamp')
  local level = tonumber(held[1]) or burst
  level = math.min(burst, level + math.max(0, now - (tonumber(held[2]) or now)) * rate)
  taken[i] = 0
  if level >= 1 then
    level = level - 1
    taken[i] = 1
  end
  redis.call('HSET', key, 'level', tostring(level), 'stamp', string.format('%.6f', now))
  redis.call('EXPIRE', key, math.ceil(burst / rate) + 1)
end
return taken
"""


_COUNT = """
local used = {}
for i, key in ipairs(KEYS) do
  used[i] = redis.call('INCR', key)
  if used[i] == 1 then redis.call('EXPIRE', key, ARGV[i]) end
end
return used
"""


# One that has run out isn't begun again, and never ends up below nothing.
_UNCOUNT = """
if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then redis.call('DECR', KEYS[1]) end
return 0
"""


class RedisLimits:
    """Buckets and quotas in Redis, by Redis's own clock; while it can't be reached, each process counts for itself."""

    def __init__(self) -> None:
        self._take = redis_store.client().register_script(_TAKE)
        self._count = redis_store.client().register_script(_COUNT)
        self._uncount = redis_store.client().register_script(_UNCOUNT)
        self.meanwhile = LocalLimits()

    def take(self, key: str, rate: Rate) -> bool:
        return self.take_many([(key, rate)])[0]

    def take_many(self, asked: Sequence[tuple[str, Rate]]) -> list[bool]:
        if not asked:
            return []
        keys = [redis_store.key("limit", key) for key, _ in asked]
        rates = [rate.scaled() for _, rate in asked]
        try:
            taken = self._take(
                keys=keys, args=[part for rate in rates for part in (rate.burst, rate.per_second)]
            )
        except redis_store.UNREACHABLE as error:
            log.warning("limits.unreachable", error=type(error).__name__)
            return self.meanwhile.take_many(asked)
        return [bool(one) for one in taken]

    def count(self, key: str, quota: Quota) -> bool:
        return self.count_many([(key, quota)])[0]

    def count_many(self, asked: Sequence[tuple[str, Quota]]) -> list[bool]:
        if not asked:
            return []
        keys = [redis_store.key("quota", key) for key, _ in asked]
        try:
            counts = self._count(keys=keys, args=[quota.seconds for _, quota in asked])
        except redis_store.UNREACHABLE as error:
            log.warning("limits.unreachable", error=type(error).__name__)
            return self.meanwhile.count_many(asked)
        return [int(used) <= quota.scaled() for used, (_, quota) in zip(counts, asked, strict=True)]

    def uncount(self, key: str) -> None:
        try:
            self._uncount(keys=[redis_store.key("quota", key)])
        except redis_store.UNREACHABLE as error:
            log.warning("limits.unreachable", error=type(error).__name__)
            self.meanwhile.uncount(key)


@functools.cache
def limits() -> Limits:
    """The buckets and quotas that all processes of this installation share."""
    return RedisLimits() if redis_store.configured() else LocalLimits()
