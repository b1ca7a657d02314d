"""The activity timeline: visits, events and messages of one person, merged by time as they are read.

Newest first. Each source gives at most a page's worth from its own index; the merge takes the newest of them.
Within one moment entries are ordered by a number made of their id and their source, so that a cursor of the paging
(a time and a number) names a place between any two entries.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chatadmin.lib.paging import Cursor, Order
from conversations.models import ActivityEvent, EventKind, Kind, Message, Sender
from conversations.shown import file_of
from users.models import ChatUser, Visit

PAGE_ENTRIES = 50
EXCERPT_CHARS = 140
ORDER = Order("at", descending=True, value_type=dt.datetime)
VISIT, EVENT, MESSAGE = range(3)
SOURCES = 3
# A visit has its own row, which says more than the event.
TOLD_BY_VISITS = (EventKind.FIRST_VISIT, EventKind.VISIT)
EPOCH, MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
SENT, RECEIVED = "message_sent", "response_received"
LABELS = {
    **dict(EventKind.choices),
    SENT: gettext_lazy("Sent a message"),
    RECEIVED: gettext_lazy("Got a response"),
}
FIELDS = {
    "name": gettext_lazy("name"),
    "email": gettext_lazy("e-mail"),
    "external_id": gettext_lazy("external ID, verified"),
    "traits": gettext_lazy("what the site says"),
}


@dataclass(frozen=True)
class Entry:
    """One entry as pages show it. `event` is its kind, `number` its place among those of the same moment."""

    event: str
    at: dt.datetime
    number: int
    text: str = ""
    title: str = ""
    url: str = ""
    referrer: str = ""
    device: str = ""
    author: str = ""

    @property
    def cursor(self) -> Cursor:
        """The place after this entry."""
        return Cursor(self.at, self.number)

    @property
    def key(self) -> str:
        """What tells this entry from every other one of the person."""
        return str(self.number)

    @property
    def stamp(self) -> str:
        """When it happened, in microseconds since 1970."""
        return str((self.at - EPOCH) // MICROSECOND)

    @property
    def label(self) -> str:
        """What happened, in words."""
        return str(LABELS.get(self.event, self.event))


@dataclass(frozen=True)
class Timeline:
    """A page of entries, newest first, and the cursor of the older ones (None where there are none)."""

    entries: list[Entry]
    after: str | None


def timeline(chat_user: ChatUser, *, after: Cursor | None = None) -> Timeline:
    """The newest entries, or those that follow `after`: four queries, each bounded, however long the history."""
    first = chat_user.visits.order_by("started_at", "id").values_list("pk", flat=True).first()
    wanted = PAGE_ENTRIES + 1
    visits = _slice(chat_user.visits.all(), "started_at", VISIT, after)[:wanted]
    events = _slice(chat_user.events.exclude(kind__in=TOLD_BY_VISITS), "at", EVENT, after)[:wanted]
    said = chat_user.messages.exclude(sender=Sender.SYSTEM).defer("tokens")
    messages = _slice(said, "created_at", MESSAGE, after)[:wanted]
    merged = heapq.merge(
        (entry_of_visit(visit, is_first=visit.pk == first) for visit in visits),
        (entry_of_event(event) for event in events),
        (entry_of_message(message) for message in messages),
        key=lambda entry: (entry.at, entry.number),
        reverse=True,
    )
    return _page(merged)


def _page(merged: Iterable[Entry]) -> Timeline:
    entries = list(islice(merged, PAGE_ENTRIES + 1))
    more = len(entries) > PAGE_ENTRIES
    entries = entries[:PAGE_ENTRIES]
    return Timeline(entries, entries[-1].cursor.encode() if more else None)


def _slice(rows: QuerySet[Any], column: str, source: int, after: Cursor | None) -> QuerySet[Any]:
    """The rows of one source that follow `after`, newest first."""
    if after is not None:
        # number = id × SOURCES + source < after.id, solved for the id.
        last = (after.id - source - 1) // SOURCES
        same_moment = Q(**{column: after.value, "pk__lte": last})
        rows = rows.filter(
            Q(**{f"{column}__lt": after.value}) | same_moment, **{f"{column}__lte": after.value}
        )
    return rows.order_by(f"-{column}", "-pk")


def _number(pk: int, source: int) -> int:
    return pk * SOURCES + source


def entry_of_visit(visit: Visit, *, is_first: bool) -> Entry:
    """The entry of a visit's beginning."""
    return Entry(
        event=EventKind.FIRST_VISIT if is_first else EventKind.VISIT,
        at=visit.started_at,
        number=_number(visit.pk, VISIT),
        title=visit.landing_title,
        url=visit.landing_url,
        referrer=visit.referrer,
        device=visit.device_long,
    )


def entry_of_event(event: ActivityEvent) -> Entry:
    """The entry of something done apart from writing; where it tells of a visit's beginning, the visit's."""
    if event.kind in TOLD_BY_VISITS and event.visit is not None:
        return entry_of_visit(event.visit, is_first=event.kind == EventKind.FIRST_VISIT)
    data = event.data if isinstance(event.data, dict) else {}
    return Entry(
        event=event.kind,
        at=event.at,
        number=_number(event.pk, EVENT),
        text=_replies(data.get("replies")) if event.kind == EventKind.MAILED else _fields(data.get("fields")),
        title=_text(data.get("title")),
        url=_text(data.get("url")),
    )


def entry_of_message(message: Message) -> Entry:
    """The entry of a message, theirs or ours, with its beginning."""
    ours = message.sender != Sender.VISITOR
    return Entry(
        event=RECEIVED if ours else SENT,
        at=message.created_at,
        number=_number(message.pk, MESSAGE),
        text=_excerpt(message),
        author=(message.author_name or str(message.get_sender_display())) if ours else "",
    )


def _excerpt(message: Message) -> str:
    if message.body:
        cut = message.body[:EXCERPT_CHARS]
        return cut if cut == message.body else f"{cut}…"
    if message.kind in {Kind.FILE, Kind.IMAGE}:
        return file_of(message.data).name or _("Unnamed file")
    return str(message.get_kind_display())


def _fields(names: Any) -> str:
    known = [str(FIELDS[name]) for name in names if name in FIELDS] if isinstance(names, list) else []
    return ", ".join(known)


def _replies(count: Any) -> str:
    number = count if isinstance(count, int) else 0
    return ngettext("%(number)d reply", "%(number)d replies", number) % {"number": number}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
