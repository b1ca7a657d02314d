"""What finding costs: the room that the search index takes, and how much slower messages are written."""

from __future__ import annotations

import statistics
import time
from typing import Any

from django.db import connection, transaction

from bench.figures import percentile
from bench.places import RUNS
from chatadmin.lib.tokens import tokens
from conversations.models import Message

INSERTED = 20_000
A_TRANSACTION = 100
SAMPLED = 5_000


def room(rows: int) -> dict[str, float]:
    """Bytes a message: of the search index, of the words stored beside the text, and of all the rest of its table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT coalesce(sum(pg_relation_size(i.indexrelid)) FILTER (WHERE a.amname = 'gin'), 0),"
                " pg_total_relation_size('conversations_message') FROM pg_index i"
                " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
                " WHERE i.indrelid = 'conversations_message'::regclass"
            )
            index, table = (float(value) for value in cursor.fetchone())
            table -= index
            cursor.execute(
                "SELECT avg(pg_column_size(tokens)) FROM (SELECT tokens FROM conversations_message"
                " ORDER BY id DESC LIMIT %s) newest",
                [SAMPLED],
            )
        else:
            cursor.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
            sizes = dict(cursor.fetchall())
            index = float(sum(size for name, size in sizes.items() if name.startswith(_fts())))
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'index') AND tbl_name = 'conversations_message'"
            )
            table = float(sum(sizes.get(name, 0) for (name,) in cursor.fetchall()))
            cursor.execute(
                "SELECT avg(length(CAST(tokens AS BLOB))) FROM (SELECT tokens FROM conversations_message"
                " ORDER BY id DESC LIMIT %s)",
                [SAMPLED],
            )
        words = float(cursor.fetchone()[0])
    return {
        "index": round(index / rows, 1),
        "words": round(words, 1),
        "rest": round(table / rows - words, 1),
    }


def inserts() -> dict[str, Any]:
    """Microseconds a message, written 100 to a transaction, with the search index and without. Writes into the
    database and drops its search index: for a copy only."""
    result: dict[str, Any] = {"messages": INSERTED, "a_transaction": A_TRANSACTION}
    for name in ("with", "without"):
        if name == "without":
            _drop_search_index()
        each = []
        for _ in range(RUNS):
            each += _insert(INSERTED // RUNS)
        result[name] = round(1_000_000 * statistics.median(each), 1)
        result[f"{name}_p95"] = round(1_000_000 * percentile(each, 0.95), 1)
    bodies = list(Message.objects.order_by("-pk").values_list("body", flat=True)[:SAMPLED])
    began = time.perf_counter()
    for body in bodies:
        tokens(body)
    result["tokens"] = round(1_000_000 * (time.perf_counter() - began) / len(bodies), 1)
    return result


def _insert(count: int) -> list[float]:
    """Says the newest messages once more. Of each transaction the seconds that one of its messages took."""
    names = [
        field.attname
        for field in Message._meta.concrete_fields
        if not field.primary_key and field.name != "client_id"
    ]
    rows = list(Message.objects.order_by("-pk").values(*names)[:count])
    taken = []
    for at in range(0, len(rows), A_TRANSACTION):
        fresh = [Message(**row) for row in rows[at : at + A_TRANSACTION]]
        began = time.perf_counter()
        with transaction.atomic():
            Message.objects.bulk_create(fresh)
        taken.append((time.perf_counter() - began) / len(fresh))
    return taken


def _fts() -> str:
    """The name of the FTS5 table over the messages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE %s",
            ["CREATE VIRTUAL TABLE%content='conversations_message'%"],
        )
        return str(cursor.fetchone()[0])


def _drop_search_index() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
                " WHERE i.indrelid = 'conversations_message'::regclass AND a.amname = 'gin'"
            )
            dropped = [f"DROP INDEX {name}" for (name,) in cursor.fetchall()]
        else:
            table = _fts()
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE %s", [f"%INTO {table}(%"]
            )
            dropped = [f"DROP TRIGGER {name}" for (name,) in cursor.fetchall()] + [f"DROP TABLE {table}"]
        for statement in dropped:
            cursor.execute(statement)
