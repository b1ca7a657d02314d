"""The pages that visitors look at, on their timelines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db.models import OuterRef, Subquery

from conversations.actions import record_events
from conversations.models import ActivityEvent, EventKind
from users.models import ChatUser, Collected, CollectSetting

KINDS = (EventKind.PAGE, EventKind.VISIT, EventKind.FIRST_VISIT)


class Look(NamedTuple):
    """A person, whose row is locked, looks at a page during a visit."""

    person: ChatUser
    visit_id: int
    url: str
    title: str


def record_pages(looks: Sequence[Look]) -> None:
    """Puts each on the timeline, in their order, unless it is the page that the person was on already."""
    if not looks:
        return
    last_of = _last_of({look.person.pk for look in looks})
    is_title_off = CollectSetting.objects.filter(item=Collected.PAGE_TITLES, is_on=False).exists()
    events = []
    for look in looks:
        last = last_of.get(look.person.pk)
        if last is not None and (last.visit_id, last.data.get("url")) == (look.visit_id, look.url):
            continue
        data = {"url": look.url, "title": "" if is_title_off else look.title}
        event = ActivityEvent(chat_user=look.person, kind=EventKind.PAGE, data=data, visit_id=look.visit_id)
        last_of[look.person.pk] = event
        events.append(event)
    record_events(events)


def _last_of(chat_user_ids: Collection[int]) -> dict[int, ActivityEvent]:
    """The last page of each person."""
    pages = ActivityEvent.objects.filter(chat_user=OuterRef("pk"), kind__in=KINDS).order_by("-at", "-id")
    people = ChatUser.objects.filter(pk__in=chat_user_ids).annotate(last=Subquery(pages.values("pk")[:1]))
    found = ActivityEvent.objects.filter(pk__in=people.values("last"))
    return {event.chat_user_id: event for event in found}
