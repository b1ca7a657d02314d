"""A person's visits as the sessions tab shows them, each with the pages looked at in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count

from chatadmin.lib.paging import Cursor, Order, page
from conversations.models import ActivityEvent, EventKind
from users.models import ChatUser, Visit

PAGE_VISITS = 50
ORDER = Order("started_at", descending=True, value_type=dt.datetime)


@dataclass(frozen=True)
class Session:
    """A visit and how many pages were looked at in it; the visit's `duration` runs while it is open."""

    visit: Visit
    pages: int

    @property
    def duration(self) -> dt.timedelta:
        """From the start to the end; to the last sign of life while it is open."""
        return (self.visit.ended_at or self.visit.last_seen_at) - self.visit.started_at


@dataclass(frozen=True)
class Sessions:
    """A page of visits, newest first, and the cursors of its neighbours (None where there is none)."""

    rows: list[Session]
    after: str | None
    before: str | None


def sessions(chat_user: ChatUser, *, after: Cursor | None, before: Cursor | None) -> Sessions:
    """One page of a person's visits: two queries."""
    part = page(chat_user.visits.all(), ORDER, size=PAGE_VISITS, after=after, before=before)
    looked_at = ActivityEvent.objects.filter(visit__in=[visit.pk for visit in part.rows], kind=EventKind.PAGE)
    pages = dict(looked_at.values_list("visit").annotate(count=Count("pk")).order_by())
    # The page that a visit began on has no event of its own.
    rows = [Session(visit, pages.get(visit.pk, 0) + bool(visit.landing_url)) for visit in part.rows]
    return Sessions(rows, part.after, part.before)
