"""Times and JSON as all exported files write them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


def moment(value: dt.datetime) -> str:
    """A time in UTC, ISO 8601: `2026-11-24T17:16:01.915566Z`."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def packed(value: Any) -> bytes:
    """`value` as one line of JSON in UTF-8; times as `moment` writes them.

    Half of a surrogate pair, which a database may hold inside a JSON column, can't be UTF-8 and goes out escaped.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, default=_plain, separators=(",", ":")).encode("ascii")


def packed_lines(values: Iterable[Any]) -> bytes | None:
    """Many values as `packed` writes them, a line each; None where one holds half of a surrogate pair."""
    try:
        return _encoder.encode_lines(values)
    except UnicodeEncodeError:
        return None


def _plain(value: Any) -> str:
    return moment(value) if isinstance(value, dt.datetime) else str(value)
