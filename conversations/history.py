"""The history of one person over all their conversations: a page of messages and the lines between them.

A page is bounded by messages. The lines (conversation opened or closed) belong to the page in whose span of time
they fall: after the message before the page, up to its last message; so each is on exactly one page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from chatadmin.lib.paging import Cursor, Order, page
from conversations.models import Conversation, Message, Sender
from users.models import ChatUser

PAGE_MESSAGES = 50
AROUND_MESSAGES = 25
ORDER = Order("created_at", descending=True, value_type=dt.datetime)


@dataclass(frozen=True)
class Item:
    """A row of the history. `what`: "day", "unread", "opened", "closed", or "message" with its `message`."""

    what: str
    at: dt.datetime
    message: Message | None = None
    count: int = 0

    @property
    def is_today(self) -> bool:
        """Whether it is of the viewer's today."""
        return timezone.localdate(self.at) == timezone.localdate()


@dataclass(frozen=True)
class History:
    """A page of the history, oldest first, and the cursors of its neighbours (None where there is none).

    `unread_above` is the id of the first unread message where that is older than the page.
    """

    items: list[Item]
    older: str | None
    newer: str | None
    unread_above: int | None = None
    found: int | None = None


def messages_of(chat_user: ChatUser) -> QuerySet[Message]:
    """A person's messages, without the search tokens that no page shows."""
    return Message.objects.filter(chat_user=chat_user).defer("tokens")


def history(
    chat_user: ChatUser, *, older: Cursor | None = None, newer: Cursor | None = None, at: int | None = None
) -> History:
    """The newest messages; or those before `older`, after `newer`, or around message `at` (if there is one)."""
    found = messages_of(chat_user).filter(pk=at).first() if at is not None else None
    if found is not None:
        rows, older_edge, newer_edge = _around(chat_user, found)
    else:
        # The paging walks newest first: what follows a row is older.
        part = page(messages_of(chat_user), ORDER, size=PAGE_MESSAGES, after=older, before=newer)
        rows, older_edge, newer_edge = list(reversed(part.rows)), part.after, part.before
    before = _message_before(chat_user, rows) if older_edge else None
    lines = _lines(chat_user, rows, before, is_newest=newer_edge is None)
    first_unread = _first_unread(chat_user)
    return History(
        items=list(_with_days(_merged(rows, lines, first_unread, chat_user.unread_count))),
        older=older_edge,
        newer=newer_edge,
        unread_above=first_unread.pk
        if first_unread and rows and _key(first_unread) < _key(rows[0])
        else None,
        found=found.pk if found else None,
    )


def _around(chat_user: ChatUser, found: Message) -> tuple[list[Message], str | None, str | None]:
    edge = ORDER.cursor(found)
    above = page(messages_of(chat_user), ORDER, size=AROUND_MESSAGES, after=edge)
    below = page(messages_of(chat_user), ORDER, size=AROUND_MESSAGES, before=edge)
    return [*reversed(above.rows), found, *reversed(below.rows)], above.after, below.before


def _message_before(chat_user: ChatUser, rows: Sequence[Message]) -> Message | None:
    if not rows:
        return None
    return next(iter(page(messages_of(chat_user), ORDER, size=1, after=ORDER.cursor(rows[0])).rows), None)


def _key(message: Message) -> tuple[dt.datetime, int]:
    return message.created_at, message.pk


def _first_unread(chat_user: ChatUser) -> Message | None:
    if not chat_user.unread_count:
        return None
    unread = messages_of(chat_user).filter(sender=Sender.VISITOR, read_at=None)
    # By id, for which there is an index of the unread alone.
    return unread.order_by("pk").only("created_at").first()


def _lines(
    chat_user: ChatUser, rows: Sequence[Message], before: Message | None, *, is_newest: bool
) -> list[Item]:
    """Where conversations open and close within the span of `rows`."""
    if not rows:
        return []
    since = before.created_at if before else None
    until = None if is_newest else rows[-1].created_at
    within = Q()
    for column in ("started_at", "closed_at"):
        span = Q(**{f"{column}__isnull": False})
        span &= Q(**{f"{column}__gt": since}) if since else Q()
        span &= Q(**{f"{column}__lte": until}) if until else Q()
        within |= span
    # Closing by hand writes a system line of the same moment: it says the same, and by whom.
    said = {(row.conversation_id, row.created_at) for row in rows if row.sender == Sender.SYSTEM}
    items = []
    for conversation in Conversation.objects.filter(within, chat_user=chat_user):
        if _inside(conversation.started_at, since, until):
            items.append(Item("opened", conversation.started_at))
        closed_at = conversation.closed_at
        if closed_at and _inside(closed_at, since, until) and (conversation.pk, closed_at) not in said:
            items.append(Item("closed", closed_at))
    return items


def _inside(at: dt.datetime, since: dt.datetime | None, until: dt.datetime | None) -> bool:
    return (since is None or at > since) and (until is None or at <= until)


def _merged(
    rows: Sequence[Message], lines: list[Item], first_unread: Message | None, unread: int
) -> Iterator[Item]:
    """Messages and lines by time; at one moment a conversation opens, then is written in, then closes."""
    rank = {"opened": 0, "message": 1, "closed": 2}
    items = [*lines, *(Item("message", row.created_at, row) for row in rows)]
    for item in sorted(items, key=lambda item: (item.at, rank[item.what])):
        if item.message is not None and first_unread is not None and item.message.pk == first_unread.pk:
            yield Item("unread", item.at, count=unread)
        yield item


def _with_days(items: Iterator[Item]) -> Iterator[Item]:
    """A line wherever another day begins, in the viewer's zone."""
    day = None
    for item in items:
        if timezone.localdate(item.at) != day:
            day = timezone.localdate(item.at)
            yield Item("day", item.at)
        yield item
