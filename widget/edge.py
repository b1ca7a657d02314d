"""The public edge: which sites may embed a widget, how many sockets an address may hold, and what a flood is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from chatadmin.lib import redis_store
from chatadmin.lib.address import counted_as
from chatadmin.lib.leases import Terms, leases, places
from chatadmin.lib.limits import Bucket, Rate
from staff.models import OWN_ORIGIN, Widget
from widget.refusals import shared

log = structlog.get_logger("chatadmin.widget")

SOCKETS_PER_VISITOR = 12
SOCKETS_PER_ADDRESS = 500
REFUSED_FRAMES, REFUSED_SECONDS = 50, 10.0
ADDRESS_REFUSALS = Rate(burst=500, per_second=50)
KEEP_ADDRESSES = 10_000
ADDRESS_TERMS = Terms(lease_seconds=150, grace_seconds=0)

_refused: dict[str, Bucket] = {}


def may_embed(widget: Widget, origin: str, host: str) -> bool:
    """Whether a page of `origin` may open this widget's socket; `host` is the request's own Host header."""
    if not origin or origin == "null":
        return False
    allowed = {item.rstrip("/").lower() for item in [*widget.allowed_origins, *settings.WIDGET_ORIGINS]}
    if origin.lower() in allowed - {OWN_ORIGIN}:
        return True
    return OWN_ORIGIN in allowed and bool(host) and _host_of(origin) == host.lower()


def _host_of(origin: str) -> str:
    """The host and port of an origin; "" for what is no web origin."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme.lower() in {"http", "https"} else ""


def hold(address: str, socket: str) -> None:
    """Goes on counting a socket."""
    places_of([(address, socket)])


def places_of(sockets: Sequence[tuple[str, str]]) -> list[int]:
    """Counts new sockets, each (address, socket). Returns for each how many its address holds with it in all
    processes; 1 where the store can't be reached."""
    pairs = [(counted_as(address), socket) for address, socket in sockets]
    try:
        return places(pairs, leases("addresses", ADDRESS_TERMS).touch(pairs))
    except redis_store.UNREACHABLE as error:
        log.warning("edge.unreachable", error=type(error).__name__)
        return [1] * len(pairs)


def release(address: str, socket: str) -> None:
    """Stops counting a socket."""
    store = leases("addresses", ADDRESS_TERMS)
    try:
        store.drop(counted_as(address), socket)
        store.reap()
    except redis_store.UNREACHABLE as error:  # it is counted until its lease lapses
        log.warning("edge.unreachable", error=type(error).__name__)


def ceiling(count: int) -> int:
    """A ceiling as this installation applies it."""
    return count * settings.LIMITS_FACTOR


class Flood:
    """Counts a socket's refused frames: 50 in 10 s are a flood, and so are 500 of one address, in this process or all."""

    def __init__(self, address: str) -> None:
        self.address = counted_as(address)
        self.times: deque[float] = deque()

    def refused(self, now: float | None = None) -> bool:
        """Counts one; True where that makes it a flood."""
        now = time.monotonic() if now is None else now
        self.times.append(now)
        while self.times and self.times[0] <= now - REFUSED_SECONDS:
            self.times.popleft()
        bucket = _refused.pop(self.address, None) or Bucket(ADDRESS_REFUSALS, now)
        _refused[self.address] = bucket
        while len(_refused) > KEEP_ADDRESSES:
            del _refused[next(iter(_refused))]
        everywhere = shared()
        floods_elsewhere = everywhere is not None and everywhere.count(self.address)
        return not bucket.take(now) or floods_elsewhere or len(self.times) >= ceiling(REFUSED_FRAMES)
