"""The mark of the lines of the audit log that this program recorded: a keyed hash, made as the line is written.

Until a line is sealed nothing in the chain speaks for it. Who can write in the database but has no SECRET_KEY can't
make the mark: a line that they put in, or changed meanwhile, is not sealed as ours. The random number in it tells a
line from a copy of it.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import json
import secrets
from typing import Any

from django.conf import settings

from staff.models import AuditEntry

NONCE_BYTES = 16


@functools.cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin audit line", "sha256")


def marked(entry: AuditEntry) -> AuditEntry:
    """The line with its mark, not saved yet. To be asked last: it speaks for everything that the line says."""
    entry.nonce = secrets.token_hex(NONCE_BYTES)
    entry.mac = _mac_of(entry)
    return entry


def is_marked(entry: AuditEntry) -> bool:
    """Whether we recorded the line, and just as it is."""
    return bool(entry.nonce) and hmac.compare_digest(_mac_of(entry), entry.mac or "")


def written(said: Any) -> bytes:
    """One way to write what a JSON column can hold: any text, any number, and keys in order (PostgreSQL keeps none).

    A line that couldn't be written would keep all that follow it from being sealed.
    """
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def moment(at: dt.datetime) -> str:
    """A moment as it is hashed: in UTC, to the microsecond."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _mac_of(entry: AuditEntry) -> str:
    line = [
        entry.nonce,
        moment(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.verb,
        entry.person_hash,
        _as_read(entry.detail),
    ]
    return hmac.new(_key(settings.SECRET_KEY), written(line), hashlib.sha256).hexdigest()


def _as_read(detail: Any) -> Any:
    """As a database gives it back: names are texts, tuples are lists, and 1e16 may come as a whole number."""
    return json.loads(json.dumps(detail), parse_float=lambda text: _number(float(text)))


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value
