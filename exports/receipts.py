"""The receipt of an erasure: what was done, when, by whom and why, what was looked through, and what may still hold it.

A JSON document; `signature` is made over the canonical form (RFC 8785: keys in order, no white space, UTF-8) of everything
else in it, and `public_key` checks it. It names the person by a keyed hash only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connection

from chatadmin.lib import signatures
from exports.models import Erasure
from exports.residue import WHERE

SCHEMA = "chatadmin.erasure/1"
MOST_BYTES = 1024 * 1024

BACKUPS = (
    "Backups made before `rows_gone_at` hold the person until they are thrown away, as configured by the day in"
    " `until` at the latest. The ledger of erasures erases them again after a restore."
)
SQLITE = (
    "Freed pages, full-text indexes and write-ahead log were overwritten by `finished_at`. What the file system or the"
    " disk keeps of overwritten blocks is beyond the database."
)
POSTGRESQL = (
    "Deleted rows stay in the database's files, out of reach of its queries, until VACUUM frees their place and"
    " new rows or a rewrite of the table (VACUUM FULL) overwrite it; its statistics until the next ANALYZE; the"
    " write-ahead log until its segments are recycled; archived segments as long as backups. The database names no"
    " day for its own files."
)

OTHERS = (
    "So many messages of other people held the person's e-mail address, external id or telephone number right before"
    " the erasure. They stay as they are, for they are other people's, unless somebody redacts them. Names in other"
    " people's messages were not looked for."
)
OTHERS_UNSEEN = (
    "It was not looked, or not to the end, whether messages of other people hold the person's e-mail address, external"
    " id or telephone number. Those that do stay as they are, for they are other people's."
)


def signed(erasure: Erasure, not_looked_for: list[str]) -> str:
    """The whole receipt as text; `not_looked_for`: the codes of exports/known.py. Raises signatures.NoKey."""
    body = _body(erasure) | {"not_looked_for": sorted(not_looked_for)}
    body |= {"algorithm": "Ed25519", "public_key": signatures.public_key()}
    return json.dumps(body | {"signature": signatures.sign(canonical(body))}, ensure_ascii=False, indent=2)


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed. There is no number in it but whole ones."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def problems(raw: bytes) -> list[str]:
    """What isn't genuine about a receipt; nothing where it is this installation's, unchanged. Raises NoKey."""
    try:
        receipt: Any = json.loads(raw, object_pairs_hook=_once) if len(raw) <= MOST_BYTES else None
        body = {key: value for key, value in receipt.items() if key != "signature"}
        signature, data = receipt["signature"], canonical(body)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return ["This is no receipt: not a JSON object with a signature."]
    found = []
    if body.get("schema") != SCHEMA:
        found.append(f"The schema is not {SCHEMA}.")
    if body.get("public_key") != signatures.public_key():
        found.append("It was made with another key than this installation's.")
    if not isinstance(signature, str) or not signatures.verify(data, signature):
        found.append("The signature is not genuine: something was changed, or somebody else made it.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A program would read the last of two, a person the first."""
    held = dict(pairs)
    if len(held) != len(pairs):
        raise ValueError("a name is there twice")
    return held


def _body(erasure: Erasure) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": str(erasure.pk),
        "person": erasure.person_hash,
        "asked_at": _time(erasure.started_at),
        "rows_gone_at": _time(erasure.rows_gone_at),
        "finished_at": _time(erasure.finished_at),
        "by": erasure.actor_name,
        "approved_by": erasure.second_name,
        "reason": erasure.reason,
        "ticket": erasure.ticket,
        "erased": dict(erasure.counts),
        "checked": dict(erasure.checked or {}),
        "not_checked": sorted(place for place, count in (erasure.checked or {}).items() if count is None),
        "not_there": [place for place in WHERE if place not in (erasure.checked or {})],
        "left": _left(erasure),
    }


def _left(erasure: Erasure) -> list[dict[str, Any]]:
    gone = erasure.rows_gone_at or erasure.started_at
    until = gone + dt.timedelta(days=settings.BACKUP_DAYS)
    on_sqlite = connection.vendor == "sqlite"
    return [
        {"where": "backups", "until": until.date().isoformat(), "what": BACKUPS},
        {"where": "database_files", "until": "", "what": SQLITE if on_sqlite else POSTGRESQL},
        {
            "where": "others_messages",
            "until": "",
            "what": OTHERS_UNSEEN if erasure.mentioned is None else OTHERS,
            "count": erasure.mentioned,
        },
    ]


def _time(at: dt.datetime | None) -> str | None:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
