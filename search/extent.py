"""Which ids can hold the messages of a time."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db import connection

from search import spans
from search.matches import newest_id, oldest_id, rows

# What is above the last piece that has a span is read, unless it is more than so many ids.
TAIL_MOST = 50_000

# Between two rows that aren't neighbours there is a piece of which nothing is known.
_PIECES = """
WITH known AS (
    SELECT number, first_at, last_at, coalesce(lag(number) OVER (ORDER BY number), %s) AS previous
    FROM search_messagespan WHERE number >= %s AND first_at IS NOT NULL
)
SELECT
    min(CASE WHEN number > previous + 1 THEN previous + 1 WHEN last_at >= %s THEN number END),
    max(CASE WHEN first_at < %s THEN number WHEN number > previous + 1 THEN number - 1 END),
    max(number)
FROM known
"""
_SENT_BEFORE = "SELECT 1 FROM conversations_message WHERE id >= %s AND created_at < %s LIMIT 1"


class Bounds(NamedTuple):
    """Ids with `low` <= id < `below`; `everywhere`: so many there are in all."""

    low: int
    below: int
    everywhere: int


def id_bounds(sent_from: dt.datetime | None, sent_to: dt.datetime | None) -> Bounds | None:
    """Between which ids all messages are that were sent from `sent_from` (inclusive) until `sent_to` (exclusive; None:
    no bound). None where there are none. Four short reads at most; where nothing bounds the time two.
    """
    newest, oldest = newest_id(), oldest_id()
    if newest is None or oldest is None:
        return None
    low, below = oldest, newest + 1
    if sent_from is not None or sent_to is not None:
        low, below = _narrowed(low, below, sent_from, sent_to)
    return Bounds(low, below, newest + 1 - oldest) if low < below else None


def _narrowed(
    low: int, below: int, sent_from: dt.datetime | None, sent_to: dt.datetime | None
) -> tuple[int, int]:
    bits = spans.PIECE_BITS
    # Ids below zero are in no piece: where there are any, there is no lower bound.
    bottom = max(low, 0) >> bits
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (sent_from, sent_to)]
    first, last, known = rows(_PIECES, [bottom - 1, bottom, *moments])[0]
    if known is None:
        return low, below
    tail = (known + 1) << bits
    if sent_from is not None and low > 0:
        low = max(low, tail if first is None else first << bits)
    if sent_to is not None and below - tail <= TAIL_MOST and not rows(_SENT_BEFORE, [tail, moments[1]]):
        below = min(below, (bottom if last is None else last + 1) << bits)
    return low, below
