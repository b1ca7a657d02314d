"""All texts that this process's memory, Redis, and files keep, to look through for what should be nowhere."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache

from chatadmin.lib import bus, redis_store
from chatadmin.lib.cache import SharedCache
from chatadmin.lib.limits import LocalLimits, RedisLimits, limits

BLOCK = 1024 * 1024
# No text that is looked for is longer, so none hides between two blocks.
OVERLAP = 4_000
KEYS_AT_ONCE = 500


def in_memory() -> Iterator[str]:
    """What this process counts, caches, and is yet to tell other processes."""
    held = limits()
    own = held.meanwhile if isinstance(held, RedisLimits) else held
    if isinstance(own, LocalLimits):
        with own.lock:
            yield "\n".join([*own.buckets, *own.counts])
    for cache in caches.all(initialized_only=True):
        local = cache.meanwhile if isinstance(cache, SharedCache) else cache
        if isinstance(local, LocMemCache):
            yield from _of_cache(local)
    yield from bus.waiting()


def _of_cache(cache: LocMemCache) -> Iterator[str]:
    with cache._lock:  # type: ignore[attr-defined]
        held = list(cache._cache.items())  # type: ignore[attr-defined]
    for key, value in held:
        yield f"{key}\n{_text(value)}"


def in_redis() -> Iterator[str]:
    """The names and texts of this installation's keys, those of the channel layer among them. Raises
    redis_store.UNREACHABLE."""
    if not redis_store.configured():
        return
    client = redis_store.bytes_client()
    names: list[bytes] = []
    for name in client.scan_iter(match=redis_store.key("*"), count=KEYS_AT_ONCE):
        names.append(name)
        if len(names) == KEYS_AT_ONCE:
            yield from _of_keys(names)
            names = []
    yield from _of_keys(names)


def _of_keys(names: list[bytes]) -> Iterator[str]:
    if not names:
        return
    # Other types hold numbers and ids; for them this is None.
    values = cast("list[bytes | None]", redis_store.bytes_client().mget(names))
    for name, value in zip(names, values, strict=True):
        yield f"{_text(name)}\n{_text(value or b'')}"


def in_file(path: Path, *, most: int) -> Iterator[str]:
    """The text of the file's last `most` bytes in overlapping blocks; of a ZIP that isn't larger also that of its
    members. Nothing where it is gone; raises OSError where it can't be read."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            yield from _blocks(file)
            if size > most:
                return
            if zipfile.is_zipfile(file):
                yield from _members(file)
    except FileNotFoundError:
        return


def _members(file: BinaryIO) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as inner:
                yield from _blocks(cast("BinaryIO", inner))


def _blocks(file: BinaryIO) -> Iterator[str]:
    kept = b""
    while block := file.read(BLOCK):
        yield _text(kept + block)
        kept = block[-OVERLAP:]


def own_log_files() -> set[Path]:
    """The regular files that this process's output goes to."""
    found = set()
    for handle in (1, 2):
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                found.add(Path(os.readlink(f"/proc/self/fd/{handle}")))
        except OSError:
            continue
    return found


def _text(raw: object) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
