"""How far a download is: rows read, noted while they go out, for the page that it was asked from.

A browser says nothing of a download, and nobody knows its length beforehand. So what is told is what is known: how
many of the person's rows have been read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.core.cache import cache

from exports.stream import File
from staff.models import Account
from users.models import ChatUser

NOTED_SECONDS = 0.5
KEPT_SECONDS = 600
BEGUN, WHOLE, BROKEN = "begun", "whole", "broken"


@dataclass(frozen=True)
class Progress:
    """`state`: begun, whole or broken (off)."""

    rows: int
    state: str


def watched(file: File, key: str) -> File:
    """The same file; how far it is can be asked by `key`."""
    return replace(file, blocks=_noting(file, key))


def progress_of(key: str) -> Progress | None:
    """None where nothing has begun, or is known no more."""
    found = cache.get(key)
    return Progress(*found) if found else None


def key_of(account: Account, person: ChatUser, token: str) -> str:
    """Where it is noted: nobody else's page can ask for it."""
    return f"export-progress:{account.pk}:{person.pk}:{token}"


def _noting(file: File, key: str) -> Iterator[bytes]:
    state, noted = BROKEN, 0.0
    try:
        for block in file.blocks:
            if time.monotonic() - noted >= NOTED_SECONDS:
                noted = time.monotonic()
                cache.set(key, (file.rows_read(), BEGUN), KEPT_SECONDS)
            yield block
        state = WHOLE
    finally:
        cache.set(key, (file.rows_read(), state), KEPT_SECONDS)
