"""The audit log as a chain: each line's link is a keyed hash over the line, its place and the link before it.

Who can write in the database but has no SECRET_KEY can't make a link that fits: a line that was changed, moved, taken
out or put in shows. Until it is sealed its mark speaks for it (staff/audit_mac.py), as the link does from then on.
Source: B. Schneier and J. Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999.
"""

from __future__ import annotations

import functools
import hashlib
import hmac

from django.conf import settings

from chatadmin.lib import signatures
from staff.audit_mac import moment, written
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
        moment(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.verb,
        entry.person_hash,
        entry.detail,
    ]
    if entry.mac:  # lines from before there were marks have their links without
        line.append(entry.mac)
    return hmac.new(_key(settings.SECRET_KEY), written(line), hashlib.sha256).hexdigest()


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
        "at": moment(checkpoint.at),
        "before": moment(checkpoint.before),
        "lines": checkpoint.lines,
        "position": checkpoint.position,
        "head": checkpoint.head,
    }
    return written(said)


def is_ours(checkpoint: AuditCheckpoint) -> bool:
    """Whether this installation signed the checkpoint as it is."""
    return signatures.verify(signed_text(checkpoint), checkpoint.signature)
