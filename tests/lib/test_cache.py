"""The cache: one for all processes; while Redis is away each process has its own, and nothing fails."""

from __future__ import annotations

import secrets

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import redis_store
from chatadmin.lib.cache import SharedCache


def test_while_redis_is_away_it_is_kept_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        redis_store,
        "bytes_client",
        lambda: redis_store.client_of("redis://user:secret@127.0.0.1:1", in_text=False),
    )
    cache, key = SharedCache("redis://127.0.0.1:1", {}), secrets.token_hex(8)
    with capture_logs() as logs:
        assert cache.get(key) is None
        assert cache.add(key, [1, 2], timeout=60)
        assert not cache.add(key, [3], timeout=60)
        cache.set(f"{key}:count", 1, 60)
        assert cache.incr(f"{key}:count") == 2
        assert cache.get_many([key, f"{key}:count"]) == {key: [1, 2], f"{key}:count": 2}
        assert cache.delete(key)
        assert key not in cache
    assert {(line["event"], line["error"]) for line in logs} == {("cache.unreachable", "ConnectionError")}
    assert "secret" not in str(logs)


if redis_store.configured():  # one half of the suite has a Redis

    def test_all_processes_share_it(monkeypatch: pytest.MonkeyPatch):
        one, other = SharedCache("unused", {}), SharedCache("unused", {})
        key = secrets.token_hex(8)
        one.set(key, {"count": [1.5]}, timeout=60)
        assert other.get(key) == {"count": [1.5]}
        assert one.meanwhile.get(key) is None
        other.delete(key)
        assert one.get(key, "gone") == "gone"
