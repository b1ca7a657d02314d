"""What it is compared with: `ILIKE` with PostgreSQL's trigram index, which is made for it and dropped again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from bench import direct, terms
from bench.classes import MIDDLING
from bench.figures import percentile, share
from bench.indexes import MAINTENANCE_MB
from bench.messages import query
from bench.places import RUNS, Effort
from search.queries import PAGE_SIZE

NAME = "bench_trigram"
SECONDS = 60
# It takes accents as they are, so of some words it doesn't find what we do: with these it isn't compared.
FOUND_SHARE = 0.9
# The same question: the people with the newest messages that hold the letters, a page of them.
PEOPLE = """SELECT m.chat_user_id, max(m.id) AS newest
    FROM conversations_message m JOIN users_chatuser u ON u.id = m.chat_user_id
    WHERE m.body ILIKE %s AND u.erased_at IS NULL
    GROUP BY m.chat_user_id ORDER BY newest DESC LIMIT %s"""


@contextmanager
def index() -> Iterator[dict[str, float]]:
    """Inside, the index is there. Gives how long it took to make, in seconds, and its bytes."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")
        cursor.execute(f"SET maintenance_work_mem = '{MAINTENANCE_MB}MB'")
        began = time.monotonic()
        cursor.execute(f"CREATE INDEX {NAME} ON conversations_message USING gin (body gin_trgm_ops)")
        took = time.monotonic() - began
        try:
            cursor.execute(f"SELECT pg_relation_size('{NAME}')")
            yield {"seconds": round(took, 1), "bytes": cursor.fetchone()[0]}
        finally:
            cursor.execute(f"DROP INDEX {NAME}")


def page(letters: str) -> tuple[float, int]:
    """The milliseconds that it takes to find who wrote these letters, and how many people are on the page."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{SECONDS}s'")
        began = time.perf_counter()
        try:
            cursor.execute(PEOPLE, [f"%{letters}%", PAGE_SIZE])
            return 1000 * (time.perf_counter() - began), len(cursor.fetchall())
        finally:
            cursor.execute("SET statement_timeout = DEFAULT")


def _finds(term: terms.Term) -> bool:
    """Whether it finds about as many messages as hold the term."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM conversations_message WHERE body ILIKE %s", [f"%{term.query}%"])
        return bool(cursor.fetchone()[0] >= FOUND_SHARE * term.messages)


def measure(kept: dict[str, Any], effort: Effort) -> dict[str, Any]:
    """Words in 0.01 to 0.3 % of all messages: the index's page beside ours; medians of five."""
    found = []
    asked = terms.of_class(kept, MIDDLING, effort.terms)
    with index() as made:
        for term in filter(_finds, asked):
            page(term.query)
            theirs = [page(term.query)[0] for _ in range(RUNS)]
            direct.search(query(term.query))
            ours = [direct.search(query(term.query)).database for _ in range(4 * RUNS)]
            found.append(
                {
                    "term": term.query,
                    "share": share(term.messages, kept["total"]),
                    "theirs": round(percentile(theirs, 0.5), 3),
                    "ours": round(percentile(ours, 0.5), 3),
                }
            )
    return {"index": made, "terms": found}
