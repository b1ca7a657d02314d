"""Proves that what a row says of its neighbours is what the neighbours say: counters, dates, whose turn, search forms.

Reads a bounded part of the tables at a time. What looks wrong is looked at again with the person's row locked, for
on a running server a count and the rows it counts are read at two moments.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Max, Min, OuterRef, Q, Subquery

from chatadmin.lib.tokens import folded, tokens
from conversations.models import Conversation, Message, Sender, Side
from users.models import ChatUser, Visit

CHUNK = 2_000
SAID = ~Q(sender=Sender.SYSTEM)
UNREAD = Q(sender=Sender.VISITOR, read_at=None)
# The row of a new person and that of their first visit are written a moment apart.
SLACK = dt.timedelta(seconds=2)

FOLDED_CHARS = {
    field.name: field.max_length
    for field in ChatUser._meta.concrete_fields
    if field.name in ("name_folded", "email_folded")
}


@dataclass(frozen=True)
class Wrong:
    """A column of a person, of one of their conversations or messages, that isn't what was counted.

    Of text only the length is told: it is somebody's.
    """

    person: str
    column: str
    kept: str
    counted: str


def wrong(chunk: int = CHUNK) -> Iterator[Wrong]:
    """Everything that is wrong, person by person within a chunk. Erased people are left out."""
    checks: list[tuple[type[models.Model], Callable[[Q], Iterator[tuple[int, Wrong]]]]] = [
        (ChatUser, _people),
        (Conversation, _conversations),
        (Message, _messages),
    ]
    for model, check in checks:
        key = "pk" if model is ChatUser else "chat_user"
        for low, high in _ranges(model, chunk):
            suspects = sorted({owner for owner, _ in check(Q(pk__gte=low, pk__lte=high))})
            for owner in suspects:
                with transaction.atomic():
                    if ChatUser.objects.select_for_update().filter(pk=owner, erased_at=None).first():
                        rows = Q(pk__gte=low, pk__lte=high, **{key: owner})
                        yield from [found for _, found in check(rows)]


def _ranges(model: type[models.Model], chunk: int) -> Iterator[tuple[int, int]]:
    """Lowest and highest id of each `chunk` rows, by id."""
    ids = model._default_manager.order_by("pk").values_list("pk", flat=True)
    low = ids.first()
    while low is not None:
        high = ids.filter(pk__gte=low)[chunk - 1 : chunk].first()
        if high is None:
            last = ids.last()
            yield low, last if last is not None else low
            return
        yield low, high
        low = ids.filter(pk__gt=high).first()


def _people(rows: Q) -> Iterator[tuple[int, Wrong]]:
    people = ChatUser.objects.filter(rows, erased_at=None).order_by("pk")
    owners = people.order_by().values("pk")
    said = _by_owner(
        Message.objects.filter(chat_user__in=owners),
        message_count=Count("pk", filter=SAID),
        unread_count=Count("pk", filter=UNREAD),
        first_contact=Min("created_at", filter=SAID),
        last_word=Max("created_at", filter=Q(sender=Sender.VISITOR)),
    )
    visited = _by_owner(
        Visit.objects.filter(chat_user__in=owners),
        visit_count=Count("pk"),
        first_visit=Min("started_at"),
        last_sign=Max("last_seen_at"),
    )
    nothing: dict[str, Any] = {"message_count": 0, "unread_count": 0, "visit_count": 0, "first_contact": None}
    for person in people:
        counted = nothing | said.get(person.pk, {}) | visited.get(person.pk, {})
        for column, expected in _expected(person, counted):
            kept = getattr(person, column)
            if kept != expected:
                yield person.pk, Wrong(str(person.uuid), column, *_shown(kept, expected))


def _by_owner(rows: models.QuerySet[Any], **aggregates: Any) -> dict[int, dict[str, Any]]:
    found = rows.order_by().values("chat_user").annotate(**aggregates)
    return {row.pop("chat_user"): row for row in found}


def _expected(person: ChatUser, counted: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for column in ("message_count", "unread_count", "visit_count", "first_contact"):
        yield column, counted[column]
    first_visit = counted.get("first_visit")
    if first_visit is not None and person.first_seen > first_visit + SLACK:
        yield "first_seen", first_visit
    signs = [sign for sign in (counted.get("last_word"), counted.get("last_sign")) if sign is not None]
    if signs and (person.last_active is None or person.last_active < max(signs)):
        yield "last_active", max(signs)
    for column, text in (("name_folded", person.name), ("email_folded", person.email)):
        yield column, folded(text, FOLDED_CHARS[column])


def _conversations(rows: Q) -> Iterator[tuple[int, Wrong]]:
    last = Message.objects.filter(SAID, conversation=OuterRef("pk")).order_by("-created_at", "-pk")
    found = Conversation.objects.filter(rows, chat_user__erased_at=None).annotate(
        unread=Count("messages", filter=Q(messages__sender=Sender.VISITOR, messages__read_at=None)),
        first_at=Min("messages__created_at"),
        last_at=Max("messages__created_at", filter=~Q(messages__sender=Sender.SYSTEM)),
        last_sender=Subquery(last.values("sender")[:1]),
        person=models.F("chat_user__uuid"),
    )
    for row in found.order_by("chat_user", "pk"):
        expected: list[tuple[str, object]] = [("unread_count", row.unread)]
        if row.last_sender:
            visitor_last = row.last_sender == Sender.VISITOR
            expected.append(("turn", (Side.STAFF if visitor_last else Side.VISITOR).value))
        if row.first_at is not None and row.started_at > row.first_at:
            expected.append(("started_at", row.first_at))
        if row.last_at is not None and row.last_message_at < row.last_at:
            expected.append(("last_message_at", row.last_at))
        for column, counted in expected:
            kept = getattr(row, column)
            if kept != counted:
                name = f"conversation {row.pk} {column}"
                yield row.chat_user_id, Wrong(str(row.person), name, *_shown(kept, counted))


def _messages(rows: Q) -> Iterator[tuple[int, Wrong]]:
    # System lines are not searched for, so they may be without tokens.
    found = Message.objects.filter(rows, SAID, chat_user__erased_at=None).order_by("pk")
    columns = found.values_list("pk", "chat_user", "chat_user__uuid", "body", "tokens")
    for pk, owner, person, body, kept in columns:
        counted = tokens(body)
        if kept != counted:
            yield owner, Wrong(str(person), f"message {pk} tokens", *_shown(kept, counted))


def _shown(kept: object, counted: object) -> tuple[str, str]:
    if isinstance(kept, str) and kept not in Side.values:
        length = len(counted) if isinstance(counted, str) else 0
        return f"{len(kept)} characters", f"{length} others"
    return _plain(kept), _plain(counted)


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, str) and value not in Side.values:
        return f"{len(value)} characters"
    return "nothing" if value is None else str(value)
