"""Joining two people: what an anonymous visitor said becomes that of the person they turned out to be."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
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
from staff import audit
from users.models import ChatUser, Note, Tagging, Visit, VisitEnd, VisitorToken

_TABLES: tuple[type[models.Model], ...] = (Visit, VisitorToken, Note, Tagging, ActivityEvent, Conversation)
_CLAIMS = (("name", "name_folded"), ("email", "email_folded"))
_DEVICE = ("browser", "browser_version", "os", "device_kind")
# What a join may change in the target's own row, apart from claims and counters. None of it is anybody's words.
_CHANGED = ("first_seen", "first_contact", "last_active", "is_vip", "blocked_at", "held_at", *_DEVICE)
_SAID = ("name", "email", "traits", "identified_at", "vip_reason", *_CHANGED)


def merge(*, source_id: int, target_id: int) -> ChatUser:
    """Moves everything of `source` to `target`, journals it, removes `source`. Returns the target.

    Raises Gone where either was erased, and where `source` has an external id: somebody else gave it one since the
    caller looked. Raises ValueError for a person joined to themselves.
    """
    if source_id == target_id:
        raise ValueError("a person can't be joined to themselves")
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
        if source.external_id is not None:
            raise Gone
        before = _plain(target, _CHANGED)
        moved = _move(source, target)
        adopted = _adopt(source, target)
        MergeJournal.objects.filter(chat_user=source).update(chat_user=target)
        journal = MergeJournal.objects.create(
            chat_user=target,
            merged_uuid=source.uuid,
            profile=_plain(source, _SAID),
            moved={**moved, "adopted": adopted, "before": before},
        )
        record_event(person=target, kind=EventKind.MERGED)
        audit.record(actor=None, verb="user.merged", person=target.uuid, detail={"merge": journal.pk})
        source.delete()
        announce(
            Event("user.merged", str(source.uuid), {"into": str(target.uuid)}),
            Event("user.changed", str(target.uuid), {"fields": ["history"]}),
        )
    return target


def _move(source: ChatUser, target: ChatUser) -> dict[str, Any]:
    """Hands the rows over. Returns, to undo it: the ids of the rows by table, and what had to be given up.

    `closed`: ids of what can't be open twice; `keys`: the client ids that both had used, by message; `tags`: the
    tags that both had.
    """
    closed = {"Conversation": _close_conversation(source, target), "Visit": _end_visit(source, target)}
    keys = _free_keys(source, target)
    tags = list(source.taggings.filter(tag__in=target.taggings.values("tag")).values_list("tag", flat=True))
    source.taggings.filter(tag__in=tags).delete()
    moved: dict[str, Any] = {"Message": list(source.messages.values_list("pk", flat=True))}
    for model in _TABLES:
        rows = model._default_manager.filter(chat_user=source)
        moved[model.__name__] = list(rows.values_list("pk", flat=True))
        # The database moves a conversation's messages with it, so that no moment sees them apart.
        rows.update(chat_user=target)
    return {**moved, "closed": closed, "keys": keys, "tags": tags}


def _close_conversation(source: ChatUser, target: ChatUser) -> list[int]:
    """Leaves the conversation open in which something was said last."""
    both = Conversation.objects.filter(chat_user__in=[source, target], status=Status.OPEN)
    others = list(both.order_by("-last_message_at", "-pk").values_list("pk", flat=True)[1:])
    both.filter(pk__in=others).update(status=Status.CLOSED, closed_at=timezone.now())
    return others


def _end_visit(source: ChatUser, target: ChatUser) -> list[int]:
    """Leaves the visit open that was seen last."""
    both = Visit.objects.filter(chat_user__in=[source, target], ended_at=None)
    others = list(both.order_by("-last_seen_at", "-pk").values_list("pk", flat=True)[1:])
    both.filter(pk__in=others).update(ended_at=models.F("last_seen_at"), how_ended=VisitEnd.LEFT)
    return others


def _free_keys(source: ChatUser, target: ChatUser) -> dict[str, str]:
    known = Message.objects.filter(chat_user=target, client_id__isnull=False).values("client_id")
    doubled = Message.objects.filter(chat_user=source, client_id__in=known)
    keys = {str(pk): str(key) for pk, key in doubled.values_list("pk", "client_id")}
    doubled.update(client_id=None)
    return keys


def _adopt(source: ChatUser, target: ChatUser) -> list[str]:
    """Adds what the source's row knew to the target's. Returns the claims that it took over."""
    target.message_count += source.message_count
    target.unread_count += source.unread_count
    target.visit_count += source.visit_count
    target.first_seen = min(source.first_seen, target.first_seen)
    target.first_contact = min(_known(source.first_contact, target.first_contact), default=None)
    target.last_active = max(_known(source.last_active, target.last_active), default=None)
    adopted = [name for name, _ in _CLAIMS if not getattr(target, name) and getattr(source, name)]
    for name, folded in _CLAIMS:
        if name in adopted:
            setattr(target, name, getattr(source, name))
            setattr(target, folded, getattr(source, folded))
    if not target.device:
        for field in _DEVICE:
            setattr(target, field, getattr(source, field))
    target.is_vip = target.is_vip or source.is_vip
    if source.vip_reason and not target.vip_reason:
        target.vip_reason = source.vip_reason
        adopted.append("vip_reason")
    target.blocked_at = min(_known(source.blocked_at, target.blocked_at), default=None)
    target.held_at = min(_known(source.held_at, target.held_at), default=None)
    target.mail_again_at = max(_known(source.mail_again_at, target.mail_again_at), default=None)
    target.save()
    return adopted


def _known(*values: dt.datetime | None) -> list[dt.datetime]:
    return [value for value in values if value is not None]


def _plain(person: ChatUser, fields: tuple[str, ...]) -> dict[str, Any]:
    """What a row said, as far as it can't be counted again, ready for JSON."""
    values = {field: getattr(person, field) for field in fields}
    return {
        field: value.isoformat() if isinstance(value, dt.datetime) else value
        for field, value in values.items()
    }
