"""Reads that only the profile's frame and its tabs ask."""

from __future__ import annotations

import datetime as dt

from chatadmin.lib.paging import Cursor, Order, Page, page
from staff import audit
from users.models import ChatUser, Note, Tag

NOTES_IN_FRAME = 5
NOTES_PER_PAGE = 50
ENTRIES_PER_PAGE = 50
TAGS_OFFERED = 200
# Joined into one person; of a shared machine's account that there are more of, the newest.
MOST_JOINED = 1_000

NOTE_ORDER = Order("created_at", descending=True, value_type=dt.datetime)
ENTRY_ORDER = Order("at", descending=True, value_type=dt.datetime)


def latest_network(chat_user: ChatUser) -> str:
    """The network prefix of the latest visit, "" where none is kept."""
    return chat_user.visits.order_by("-started_at", "-id").values_list("network", flat=True).first() or ""


def newest_notes(chat_user: ChatUser) -> tuple[list[Note], bool]:
    """The newest notes, newest first, and whether there are more."""
    found = list(chat_user.notes.order_by("-created_at", "-id")[: NOTES_IN_FRAME + 1])
    return found[:NOTES_IN_FRAME], len(found) > NOTES_IN_FRAME


def notes_page(chat_user: ChatUser, *, after: Cursor | None, before: Cursor | None) -> Page[Note]:
    """One page of notes, newest first."""
    return page(chat_user.notes.all(), NOTE_ORDER, size=NOTES_PER_PAGE, after=after, before=before)


def entries_page(
    chat_user: ChatUser, *, after: Cursor | None, before: Cursor | None
) -> Page[audit.AuditEntry]:
    """One page of the audit lines about a person and about the earlier visitors who were joined into them, newest first."""
    joined = chat_user.merges.filter(undone_at=None).order_by("-pk")
    earlier = joined.values_list("merged_uuid", flat=True)[:MOST_JOINED]
    lines = audit.entries_about(chat_user.uuid, *earlier)
    return page(lines, ENTRY_ORDER, size=ENTRIES_PER_PAGE, after=after, before=before)


def offered_tags() -> list[str]:
    """Names of tags to complete what somebody types, in order."""
    return list(Tag.objects.order_by("name_folded").values_list("name", flat=True)[:TAGS_OFFERED])
