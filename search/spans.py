"""When the messages of each stretch of ids were sent.

Ids grow nearly with time, but nothing says so to the database: bounded to an old month, the search for a frequent word
would walk all that was said since. So for each piece of 2^14 ids, once nobody can add to it any more, a row keeps when
its first and last message were sent; search/extent.py tells from these rows which ids can hold the messages of a time.
A piece without one may hold any time: what is found never depends on the sweep. Deleted messages leave a row wider
than it need be. Imported messages, whose ids are below zero, are in no piece.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Max, Min, Q
from django.utils import timezone

from conversations.models import Message

PIECE_BITS = 14
# An id that somebody has read was given out before; so long after, no transaction is open that holds a lower one.
SETTLED = dt.timedelta(hours=1)
AT_ONCE = 100


class MessageSpan(models.Model):
    """The messages whose `id >> PIECE_BITS` is `number` were sent from `first_at` to `last_at`; both are None until
    the piece has been known for SETTLED."""

    number = models.BigIntegerField(primary_key=True)
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    noticed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_at=None, last_at=None) | Q(first_at__lte=F("last_at")),
                name="messagespan_first_before_last",
            )
        ]
        indexes = [models.Index(fields=["number"], name="messagespan_waiting", condition=Q(first_at=None))]

    def __str__(self) -> str:
        return f"piece {self.number}"


def sweep_spans() -> None:
    """Notices pieces that are full, and fills those that are settled: at most AT_ONCE of either."""
    _notice(AT_ONCE)
    _fill(MessageSpan.objects.filter(noticed_at__lt=timezone.now() - SETTLED), AT_ONCE)


def fill_spans(limit: int | None = None) -> int:
    """Fills all pieces but the newest (at most `limit`) without waiting, for a database that nobody else writes into.
    Returns how many."""
    _notice(limit)
    return _fill(MessageSpan.objects.all(), limit)


def _notice(limit: int | None) -> None:
    """A row for each piece that has none and isn't the newest."""
    newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
    known = MessageSpan.objects.aggregate(last=Max("number"))["last"]
    following = 0 if known is None else known + 1
    found: list[int] = []
    while limit is None or len(found) < limit:
        message = Message.objects.filter(pk__gte=max(1, following << PIECE_BITS)).order_by("pk")
        number = (message.values_list("pk", flat=True).first() or newest) >> PIECE_BITS
        if number >= newest >> PIECE_BITS:
            break
        # Gaps between pieces are pieces too, as long as they aren't those of another age.
        is_gap = 0 < number - following < AT_ONCE and following > 0
        found += range(following, number + 1) if is_gap else [number]
        following = number + 1
    MessageSpan.objects.bulk_create([MessageSpan(number=number) for number in found], ignore_conflicts=True)


def _fill(spans: models.QuerySet[MessageSpan], limit: int | None) -> int:
    waiting = list(spans.filter(first_at=None).order_by("number")[:limit])
    for span in waiting:
        ids = (span.number << PIECE_BITS, (span.number + 1) << PIECE_BITS)
        sent = Message.objects.filter(pk__gte=ids[0], pk__lt=ids[1]).aggregate(
            first=Min("created_at"), last=Max("created_at")
        )
        # Of an empty piece any time does.
        first, last = sent["first"] or span.noticed_at, sent["last"] or span.noticed_at
        MessageSpan.objects.filter(pk=span.pk).update(first_at=first, last_at=last)
    return len(waiting)
