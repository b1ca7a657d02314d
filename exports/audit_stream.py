"""The audit log as a stream of bytes, in the order of its page: a CSV table, or one JSON array."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db.models import QuerySet

from chatadmin.lib.paging import beyond
from exports.as_csv import table
from exports.as_json import array
from exports.stream import File, Form, in_blocks
from exports.walking import Row
from staff.audit_filters import ORDER
from staff.models import AuditEntry

CHUNK_LINES = 1_000
# Header, and what the line has for it. Place, link and mark prove a line that was exported against the chain.
COLUMNS = {
    "at": "at",
    "actor": "actor_name",
    "verb": "verb",
    "person": "person_hash",
    "detail": "detail",
    "id": "pk",
    "actor_id": "actor_id",
    "position": "position",
    "link": "link",
    "mac": "mac",
}


def export_audit(entries: QuerySet[AuditEntry], form: Form, *, at: dt.datetime) -> File:
    """The file of these lines, the newest first, read in chunks while it goes out."""
    name = f"chatadmin-audit-{at:%Y%m%d}"
    rows = _rows(entries)
    if form is Form.JSON:
        return File(f"{name}.json", "application/json", in_blocks(array(rows)))
    blocks = (block.text for block in table(list(COLUMNS), rows))
    return File(f"{name}.csv", "text/csv; charset=utf-8", blocks)


def _rows(entries: QuerySet[AuditEntry]) -> Iterator[Row]:
    ordered, edge = entries.order_by("-at", "-pk"), None
    while True:
        part = ordered if edge is None else ordered.filter(beyond("at", edge, descending=True))
        chunk = list(part[:CHUNK_LINES])
        for entry in chunk:
            yield {header: getattr(entry, name) for header, name in COLUMNS.items()}
        if len(chunk) < CHUNK_LINES:
            return
        edge = ORDER.cursor(chunk[-1])
