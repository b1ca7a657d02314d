"""Joining two people: what an anonymous visitor said becomes that of the person they turned out to be."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from conversations.actions import Gone, record_event
from conversations.models import (
    ActivityEvent,
    Conversation,
    EventKind,
    MergeJournal,
    Message,
    Status,
)
from users.models import ChatUser, Note, Tagging, Visit, VisitorToken

_EARLIEST = ("first_seen", "first_contact")
_CLAIMS = ("name", "name_folded", "email", "email_folded")


def merge(*, source_id: int, target_id: int) -> ChatUser:
    """Moves everything of `source` to `target`, journals each row moved, removes `source`. Returns the target.

    Raises Gone where either was erased. The caller has checked that `source` never had an external id.
    """
    with transaction.atomic():
        # In id order: two joins that cross would otherwise wait for each other.
        rows = {
            row.pk: row
            for row in ChatUser.objects.select_for_update()
            .filter(pk__in=[source_id, target_id])
            .order_by("pk")
        }
        source, target = rows.get(source_id), rows.get(target_id)
        if source is None or target is None or source.erased_at or target.erased_at:
            raise Gone
        moved = _move(source, target)
        _adopt(source, target)
        MergeJournal.objects.filter(chat_user=source).update(chat_user=target)
        MergeJournal.objects.create(
            chat_user=target, merged_uuid=source.uuid, profile=_profile(source), moved=moved
        )
        record_event(person=target, kind=EventKind.MERGED)
        source.delete()
        announce(
            Event("user.merged", str(source.uuid), {"into": str(target.uuid)}),
            Event("user.changed", str(target.uuid), {"fields": ["history"]}),
        )
    return target


def _move(source: ChatUser, target: ChatUser) -> dict[str, list[int]]:
    """Hands the rows over. Returns their ids by table."""
    now = timezone.now()
    if target.conversations.filter(status=Status.OPEN).exists():
        source.conversations.filter(status=Status.OPEN).update(status=Status.CLOSED, closed_at=now)
    if target.visits.filter(ended_at=None).exists():
        for visit in source.visits.filter(ended_at=None):
            visit.ended_at, visit.how_ended = visit.last_seen_at, "left"
            visit.save(update_fields=["ended_at", "how_ended"])
    known_keys = Message.objects.filter(chat_user=target, client_id__isnull=False).values("client_id")
    Message.objects.filter(chat_user=source, client_id__in=known_keys).update(client_id=None)
    known_tags = list(target.taggings.values_list("tag", flat=True))
    source.taggings.filter(tag__in=known_tags).delete()
    moved: dict[str, list[int]] = {}
    for model in (Visit, VisitorToken, Note, Tagging, ActivityEvent):
        rows = model._default_manager.filter(chat_user=source)
        moved[model.__name__] = list(rows.values_list("pk", flat=True))
        rows.update(chat_user=target)
    moved["Message"] = list(source.messages.values_list("pk", flat=True))
    moved["Conversation"] = list(source.conversations.values_list("pk", flat=True))
    _move_conversations(source, target)
    return moved


def _move_conversations(source: ChatUser, target: ChatUser) -> None:
    # SQLite checks message.chat_user = conversation.chat_user row by row: the conversations go first there too,
    # for its trigger looks when a message moves; PostgreSQL looks at the commit.
    Conversation.objects.filter(chat_user=source).update(chat_user=target)
    Message.objects.filter(chat_user=source).update(chat_user=target)


def _adopt(source: ChatUser, target: ChatUser) -> None:
    target.message_count += source.message_count
    target.unread_count += source.unread_count
    target.visit_count += source.visit_count
    for field in _EARLIEST:
        known = [value for value in (getattr(source, field), getattr(target, field)) if value is not None]
        setattr(target, field, min(known, default=None))
    seen = [value for value in (source.last_active, target.last_active) if value is not None]
    target.last_active = max(seen, default=None)
    for field in _CLAIMS:
        if not getattr(target, field):
            setattr(target, field, getattr(source, field))
    if not target.device:
        for field in ("browser", "browser_version", "os", "device_kind"):
            setattr(target, field, getattr(source, field))
    target.is_vip = target.is_vip or source.is_vip
    target.blocked_at = target.blocked_at or source.blocked_at
    target.held_at = target.held_at or source.held_at
    target.save()


def _profile(source: ChatUser) -> dict[str, object]:
    """What the source's own row said, as far as it can't be counted again."""
    return {
        "name": source.name,
        "email": source.email,
        "traits": source.traits,
        "first_seen": source.first_seen.isoformat(),
        "first_contact": source.first_contact.isoformat() if source.first_contact else None,
        "last_active": source.last_active.isoformat() if source.last_active else None,
        "is_vip": source.is_vip,
    }
