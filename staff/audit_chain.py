"""The audit log as a chain: each line's link is a keyed hash over the line, its place and the link before it.

Who can write in the database but has no SECRET_KEY can't make a link that fits: a line that was changed, moved, taken
out or put in shows. Source: B. Schneier and J. Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import json
from typing import Any

from django.conf import settings

from chatadmin.lib import signatures
from staff.models import AuditChain, AuditCheckpoint, AuditEntry

# What the first line follows.
BEGINNING = "0" * 64


@functools.cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin audit chain", "sha256")


def link_of(entry: AuditEntry, position: int, before: str) -> str:
    """The link of a line at `position` that follows the link `before`: 64 hex digits (HMAC-SHA256)."""
    line = [
        before,
        position,
        entry.pk,
        _moment(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.verb,
        entry.person_hash,
        entry.detail,
    ]
    return hmac.new(_key(settings.SECRET_KEY), _written(line), hashlib.sha256).hexdigest()


def fits(entry: AuditEntry, position: int, before: str) -> bool:
    """Whether the link that the line carries is that of this line, at this place, after that link."""
    return hmac.compare_digest(link_of(entry, position, before), entry.link or "")


def end_of_chain() -> AuditChain:
    """The chain's end, locked until the transaction ends: nobody else seals or cuts meanwhile."""
    AuditChain.objects.get_or_create(pk=1, defaults={"head": BEGINNING})
    return AuditChain.objects.select_for_update().get(pk=1)


def signed_text(checkpoint: AuditCheckpoint) -> bytes:
    """What the signature of a checkpoint is about: everything that it says."""
    said = {
        "what": "chatadmin audit checkpoint",
        "at": _moment(checkpoint.at),
        "before": _moment(checkpoint.before),
        "lines": checkpoint.lines,
        "position": checkpoint.position,
        "head": checkpoint.head,
    }
    return _written(said)


def is_ours(checkpoint: AuditCheckpoint) -> bool:
    """Whether this installation signed the checkpoint as it is."""
    return signatures.verify(signed_text(checkpoint), checkpoint.signature)


def _written(said: Any) -> bytes:
    """One way to write what a JSON column can hold: any text, any number, and keys in order (PostgreSQL keeps none).

    A line that couldn't be written would keep all that follow it from being sealed.
    """
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def _moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")
