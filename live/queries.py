"""Who is on the site now: the open visits of those who are here, newest first, each with the page that is looked at.

The database has a few open visits too many: of those who have just gone, or whose server was killed a moment ago. So
they are walked along their index and held against the leases, a step at a time, and not without end.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from chatadmin.lib import redis_store
from chatadmin.lib.paging import Cursor, Order, page
from conversations.models import ActivityEvent, EventKind
from conversations.shown import web_address
from users import presence
from users.models import Visit
from users.queries import Person, living, people

PAGE_PEOPLE = 100
STEP = 250
MOST_STEPS = 8
CLOCK = dt.timedelta(hours=12)
ORDER = Order("started_at", descending=True, value_type=dt.datetime)
PAGES = (EventKind.PAGE, EventKind.VISIT, EventKind.FIRST_VISIT)


@dataclass(frozen=True)
class Where:
    """The page that somebody looks at, as the visitor's browser named it."""

    title: str = ""
    url: str = ""

    @property
    def address(self) -> str:
        """Where a link may lead: an http or https address, else ""."""
        return web_address(self.url)

    @property
    def short(self) -> str:
        """The address without what every one begins with."""
        return self.url.split("://", 1)[-1].removesuffix("/")


@dataclass(frozen=True)
class Row:
    """Somebody who is here, since when, and where."""

    person: Person
    visit: Visit
    where: Where

    @property
    def cursor(self) -> str:
        """The place in the list after this row."""
        return ORDER.cursor(self.visit).encode()

    @property
    def started(self) -> str:
        """The start in UTC to the microsecond: as text it sorts as the list does."""
        return self.visit.started_at.astimezone(dt.UTC).isoformat(timespec="microseconds")

    @property
    def style(self) -> str:
        """How the start is written: by the clock, or with its day where that was not today."""
        return "clock" if timezone.now() - self.visit.started_at < CLOCK else "datetime"


@dataclass(frozen=True)
class Here:
    """A page of rows, and the cursors of its neighbours (None where there is none).

    `go_on`: the way and the cursor to go on with, where it stopped before the page was full. `is_known`: False where
    the leases can't be read, so that nobody knows who is here.
    """

    rows: list[Row]
    after: str | None = None
    before: str | None = None
    go_on: tuple[str, str] | None = None
    is_known: bool = True


def here(*, after: Cursor | None = None, before: Cursor | None = None) -> Here:
    """The first page, or the one that follows `after` or precedes `before`: five queries, one more for each step."""
    is_backwards = before is not None and after is None
    edge = before if is_backwards else after
    try:
        keys, reached = _walk(edge, is_backwards)
    except redis_store.UNREACHABLE:
        return Here([], is_known=False)
    more = len(keys) > PAGE_PEOPLE
    keys = keys[-PAGE_PEOPLE:] if is_backwards else keys[:PAGE_PEOPLE]
    rows = rows_of(_open().filter(pk__in=[key.pk for key in keys]))
    ends = [ORDER.cursor(key).encode() for key in keys]
    return Here(
        rows,
        after=ends[-1] if ends and (more or is_backwards) else None,
        before=ends[0] if ends and edge is not None and (more or not is_backwards) else None,
        go_on=("before" if is_backwards else "after", reached.encode()) if reached else None,
    )


def _walk(edge: Cursor | None, is_backwards: bool) -> tuple[list[Any], Cursor | None]:
    """Keys of the visits of a page and one more, and how far it came where it didn't come to an end."""
    found: list[Any] = []
    for _ in range(MOST_STEPS):
        step = page(
            _open().values_list("pk", "started_at", "chat_user__uuid", named=True),
            ORDER,
            size=STEP,
            after=None if is_backwards else edge,
            before=edge if is_backwards else None,
        ).rows
        alive = presence.store().alive(str(key.chat_user__uuid) for key in step)
        kept = [key for key in step if str(key.chat_user__uuid) in alive]
        found = [*kept, *found] if is_backwards else [*found, *kept]
        if len(step) < STEP or len(found) > PAGE_PEOPLE:
            return found, None
        edge = ORDER.cursor(step[0 if is_backwards else -1])
    return found, edge


def _open() -> QuerySet[Visit]:
    return Visit.objects.filter(ended_at=None, chat_user__erased_at=None)


def rows_of_people(names: Iterable[str]) -> list[Row]:
    """The rows of these people (by uuid), those of them who are here: five queries."""
    rows = rows_of(_of(names))
    return [row for row in rows if row.person.online]


def rows_of(visits: QuerySet[Visit]) -> list[Row]:
    """The rows of open visits, newest first: four queries, however many."""
    found = list(visits.select_related("chat_user").order_by("-started_at", "-pk"))
    where = places(visits)
    persons = people([visit.chat_user for visit in found])
    return [
        Row(person, visit, where.get(str(visit.chat_user.uuid), Where()))
        for person, visit in zip(persons, found, strict=True)
    ]


def places(visits: QuerySet[Visit]) -> dict[str, Where]:
    """The page that is looked at in each of these open visits, by the person's uuid: one query."""
    newest = ActivityEvent.objects.filter(pk__in=Subquery(visits.annotate(last=_last_page()).values("last")))
    return {
        str(name): Where(_text(data, "title"), _text(data, "url"))
        for name, data in newest.values_list("chat_user__uuid", "data")
    }


def places_of_people(names: Iterable[str]) -> dict[str, Where]:
    """The same of these people (by uuid), as far as they have an open visit: two queries."""
    return places(_of(names))


def _of(names: Iterable[str]) -> QuerySet[Visit]:
    """Their open visits. Asked at once, PostgreSQL may go through everybody's until it has counted its tables anew."""
    ids = living().filter(uuid__in=[uuid.UUID(name) for name in names]).values_list("pk", flat=True)
    return Visit.objects.filter(ended_at=None, chat_user__in=list(ids))


def _last_page() -> Subquery:
    """Along the person's timeline back: the first few entries."""
    seen = ActivityEvent.objects.filter(
        chat_user=OuterRef("chat_user"), at__gte=OuterRef("started_at"), kind__in=PAGES
    )
    return Subquery(seen.order_by("-at", "-pk").values("pk")[:1])


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""
