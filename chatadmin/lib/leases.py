"""Leases: who holds what, until when. A holder renews; whoever stops renewing loses it by itself.

A *group* (a person, an address) holds leases through *members* (sockets). A group is alive while one member's
lease runs, and for a short grace after the last member left of its own accord, so that a page change doesn't
flicker. Two stores with one interface: in this process, or in Redis for many processes.
Source: Gray & Cheriton, "Leases: An Efficient Fault-Tolerant Mechanism", SOSP 1989.
"""

from __future__ import annotations

import functools
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from chatadmin.lib import redis_store


@dataclass(frozen=True)
class Lapsed:
    """A group whose leases are over: its name, its last sign of life (Unix seconds), whether it left cleanly."""

    group: str
    last_sign: float
    clean: bool


@dataclass(frozen=True)
class Terms:
    """How long a lease runs after a sign of life, and a group after its last member left (seconds)."""

    lease_seconds: float
    grace_seconds: float


class Leases(Protocol):
    """What both stores do. Times are Unix seconds; `now` is given by tests."""

    def touch(
        self, pairs: Iterable[tuple[str, str]], now: float | None = None
    ) -> dict[str, tuple[bool, int]]:
        """Renews each (group, member). Returns for each group: was it absent before, and its live members."""
        ...

    def drop(self, group: str, member: str, now: float | None = None) -> None:
        """Ends one member's lease; the group goes on through its others, or for the grace."""
        ...

    def discard(self, *groups: str) -> None:
        """Forgets these groups and all their members at once."""
        ...

    def reap(self, now: float | None = None) -> list[Lapsed]:
        """Removes the groups that are over and returns them; each is returned to one caller only."""
        ...

    def alive(self, groups: Iterable[str]) -> set[str]:
        """Those of `groups` that are alive."""
        ...

    def all_alive(self) -> set[str]:
        """Every group that is alive."""
        ...

    def count(self) -> int:
        """How many groups are alive."""
        ...

    def claim(self, groups: Iterable[str], seconds: float, now: float | None = None) -> list[str]:
        """Those of `groups` for whom nobody in any process did, in the last `seconds`, what the caller does now."""
        ...

    def unclaim(self, groups: Iterable[str]) -> None:
        """The caller couldn't do it."""
        ...

    def era(self) -> str:
        """Names all that is held: another name means that what was held before is lost, as in a restart of Redis."""
        ...


class LocalLeases:
    """Leases in this process."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.lock = threading.Lock()
        self.members: dict[str, dict[str, float]] = {}
        self.ends: dict[str, float] = {}
        self.left: dict[str, float] = {}
        self.claimed: dict[str, float] = {}

    def touch(
        self, pairs: Iterable[tuple[str, str]], now: float | None = None
    ) -> dict[str, tuple[bool, int]]:
        now = time.time() if now is None else now
        result: dict[str, tuple[bool, int]] = {}
        with self.lock:
            for group, member in pairs:
                absent = group not in self.ends
                held = self.members.setdefault(group, {})
                held[member] = now + self.terms.lease_seconds
                for stale in [other for other, until in held.items() if until <= now]:
                    del held[stale]
                self.ends[group] = now + self.terms.lease_seconds
                self.left.pop(group, None)
                result[group] = (absent or result.get(group, (False, 0))[0], len(held))
        return result

    def drop(self, group: str, member: str, now: float | None = None) -> None:
        now = time.time() if now is None else now
        with self.lock:
            held = self.members.get(group, {})
            if held.pop(member, None) is None:
                return
            running = [until for until in held.values() if until > now]
            if running:
                self.ends[group] = max(running)
            else:
                self.members.pop(group, None)
                self.ends[group] = now + self.terms.grace_seconds
                self.left[group] = now

    def discard(self, *groups: str) -> None:
        with self.lock:
            for table in (self.members, self.ends, self.left, self.claimed):
                for group in groups:
                    table.pop(group, None)

    def reap(self, now: float | None = None) -> list[Lapsed]:
        now = time.time() if now is None else now
        lapsed: list[Lapsed] = []
        with self.lock:
            for group in [group for group, end in self.ends.items() if end <= now]:
                end = self.ends.pop(group)
                self.members.pop(group, None)
                self.claimed.pop(group, None)
                left = self.left.pop(group, None)
                sign = left if left is not None else end - self.terms.lease_seconds
                lapsed.append(Lapsed(group, sign, left is not None))
        return lapsed

    def alive(self, groups: Iterable[str]) -> set[str]:
        with self.lock:
            return {group for group in groups if group in self.ends}

    def all_alive(self) -> set[str]:
        with self.lock:
            return set(self.ends)

    def count(self) -> int:
        with self.lock:
            return len(self.ends)

    def claim(self, groups: Iterable[str], seconds: float, now: float | None = None) -> list[str]:
        now = time.time() if now is None else now
        claimed = []
        with self.lock:
            for group in groups:
                # A clock that was put back must not silence anybody.
                if not 0 <= now - self.claimed.get(group, now - seconds) < seconds:
                    self.claimed[group] = now
                    claimed.append(group)
        return claimed

    def unclaim(self, groups: Iterable[str]) -> None:
        with self.lock:
            for group in groups:
                self.claimed.pop(group, None)

    def era(self) -> str:
        return "this process"


_TOUCH = """
local out = {}
for i = 2, #ARGV - 2, 2 do
  local group, member = ARGV[i], ARGV[i + 1]
  local key = KEYS[1] .. ':m:' .. group
  local now, ends = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[#ARGV])
  local absent = redis.call('ZSCORE', KEYS[1], group) == false
  redis.call('ZADD', key, ends, member)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('EXPIRE', key, math.ceil(tonumber(ARGV[#ARGV])) + 60)
  redis.call('ZADD', KEYS[1], ends, group)
  redis.call('HDEL', KEYS[2], group)
  out[#out + 1] = group
  out[#out + 1] = absent and 1 or 0
  out[#out + 1] = redis.call('ZCARD', key)
end
return out
"""

_DROP = """
local key = KEYS[1] .. ':m:' .. ARGV[2]
if redis.call('ZREM', key, ARGV[3]) == 0 then return 0 end
local now = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local best = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
if best[2] then
  redis.call('ZADD', KEYS[1], best[2], ARGV[2])
else
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[2])
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
end
return 1
"""

_REAP = """
local out = {}
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, 5000)
for i = 1, #gone, 2 do
  local left = redis.call('HGET', KEYS[2], gone[i])
  redis.call('ZREM', KEYS[1], gone[i])
  redis.call('HDEL', KEYS[2], gone[i])
  redis.call('HDEL', KEYS[3], gone[i])
  redis.call('DEL', KEYS[1] .. ':m:' .. gone[i])
  out[#out + 1] = gone[i]
  out[#out + 1] = left or tostring(tonumber(gone[i + 1]) - tonumber(ARGV[2]))
  out[#out + 1] = left and 1 or 0
end
return out
"""


_CLAIM = """
local now, seconds, out = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 3, #ARGV do
  local age = now - tonumber(redis.call('HGET', KEYS[3], ARGV[i]) or now - seconds)
  if age < 0 or age >= seconds then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[1])
    out[#out + 1] = ARGV[i]
  end
end
return out
"""


_ERA = """
redis.call('SET', KEYS[4], ARGV[1], 'NX')
return redis.call('GET', KEYS[4])
"""


class RedisLeases:
    """Leases in Redis: one sorted set of groups by end, one sorted set of members a group, changed by scripts."""

    def __init__(self, name: str, terms: Terms) -> None:
        self.name, self.terms = name, terms
        self.client = redis_store.client()
        names = ((name,), (name, "left"), (name, "claimed"), (name, "era"))
        self.keys = [redis_store.key(*parts) for parts in names]
        self._touch = self.client.register_script(_TOUCH)
        self._drop = self.client.register_script(_DROP)
        self._reap = self.client.register_script(_REAP)
        self._claim = self.client.register_script(_CLAIM)
        self._era = self.client.register_script(_ERA)

    def touch(
        self, pairs: Iterable[tuple[str, str]], now: float | None = None
    ) -> dict[str, tuple[bool, int]]:
        flat = [part for pair in pairs for part in pair]
        if not flat:
            return {}
        now = time.time() if now is None else now
        raw = self._touch(keys=self.keys, args=[f"{now:.3f}", *flat, self.terms.lease_seconds])
        result: dict[str, tuple[bool, int]] = {}
        for group, absent, count in zip(raw[::3], raw[1::3], raw[2::3], strict=True):
            result[group] = (bool(absent) or result.get(group, (False, 0))[0], count)
        return result

    def drop(self, group: str, member: str, now: float | None = None) -> None:
        now = time.time() if now is None else now
        self._drop(keys=self.keys, args=[f"{now:.3f}", group, member, self.terms.grace_seconds])

    def discard(self, *groups: str) -> None:
        if not groups:
            return
        with self.client.pipeline() as together:
            together.zrem(self.keys[0], *groups)
            together.hdel(self.keys[1], *groups)
            together.hdel(self.keys[2], *groups)
            together.delete(*(f"{self.keys[0]}:m:{group}" for group in groups))
            together.execute()

    def reap(self, now: float | None = None) -> list[Lapsed]:
        now = time.time() if now is None else now
        raw = self._reap(keys=self.keys, args=[f"{now:.3f}", self.terms.lease_seconds])
        return [
            Lapsed(group, float(sign), bool(clean))
            for group, sign, clean in zip(raw[::3], raw[1::3], raw[2::3], strict=True)
        ]

    def alive(self, groups: Iterable[str]) -> set[str]:
        asked = list(groups)
        if not asked:
            return set()
        scores = cast("list[float | None]", self.client.zmscore(self.keys[0], asked))
        return {group for group, score in zip(asked, scores, strict=True) if score is not None}

    def all_alive(self) -> set[str]:
        return set(cast("list[str]", self.client.zrange(self.keys[0], 0, -1)))

    def count(self) -> int:
        return cast("int", self.client.zcard(self.keys[0]))

    def claim(self, groups: Iterable[str], seconds: float, now: float | None = None) -> list[str]:
        asked = list(groups)
        if not asked:
            return []
        now = time.time() if now is None else now
        return cast("list[str]", self._claim(keys=self.keys, args=[f"{now:.3f}", seconds, *asked]))

    def unclaim(self, groups: Iterable[str]) -> None:
        given_back = list(groups)
        if given_back:
            self.client.hdel(self.keys[2], *given_back)

    def era(self) -> str:
        return str(self._era(keys=self.keys, args=[secrets.token_hex(8)]))


def places(pairs: Sequence[tuple[str, str]], answers: Mapping[str, tuple[bool, int]]) -> list[int]:
    """The how-manieth member of its group each of these became, where `touch(pairs)` answered so and none of them was
    there before."""
    left = Counter(group for group, _ in pairs)
    found = []
    for group, _ in pairs:
        left[group] -= 1
        found.append(answers[group][1] - left[group])
    return found


@functools.cache
def leases(name: str, terms: Terms) -> Leases:
    """The store of that name: in Redis where it is configured, else in this process."""
    return RedisLeases(name, terms) if redis_store.configured() else LocalLeases(terms)
