"""Visits: a person's presence with no gap over 30 minutes, kept so that a crash loses a minute at most."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from users.models import URL_CHARS, ChatUser, Collected, CollectSetting, Visit, VisitEnd

GAP = dt.timedelta(minutes=30)
STALE = dt.timedelta(minutes=3)


class DeviceInfo(msgspec.Struct, frozen=True):
    """What a browser says of itself, cut to what is kept."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    device_kind: str = ""


@dataclass(frozen=True)
class Arrival:
    """How somebody came: the page, what led there, their device and network prefix."""

    url: str = ""
    title: str = ""
    referrer: str = ""
    device: DeviceInfo = DeviceInfo()
    network: str = ""


def begin(chat_user: ChatUser, arrival: Arrival, now: dt.datetime | None = None) -> tuple[Visit, bool]:
    """The visit that an arriving person is in: the last one where the gap is 30 minutes or less, else a new one.

    `chat_user` is locked by the caller's transaction; its counters and device are saved. Returns the visit and
    whether it is new.
    """
    now = now or timezone.now()
    # Of two people just joined into one, the open visit need not be the one that started last.
    visits = chat_user.visits.order_by("-started_at", "-id")
    last = visits.filter(ended_at=None).first() or visits.first()
    chat_user.last_active = now
    if last is not None and now - last.last_seen_at <= GAP:
        last.last_seen_at, last.ended_at, last.how_ended = max(now, last.last_seen_at), None, ""
        last.save(update_fields=["last_seen_at", "ended_at", "how_ended"])
        chat_user.save(update_fields=["last_active"])
        return last, False
    if last is not None and last.ended_at is None:
        _end(last, last.last_seen_at, VisitEnd.ESTIMATED)
    off = set(CollectSetting.objects.filter(is_on=False).values_list("item", flat=True))
    device = DeviceInfo() if Collected.DEVICE in off else arrival.device
    visit = Visit.objects.create(
        chat_user=chat_user,
        started_at=now,
        last_seen_at=now,
        landing_url=arrival.url[:URL_CHARS],
        landing_title="" if Collected.PAGE_TITLES in off else arrival.title[:300],
        referrer="" if Collected.REFERRER in off else arrival.referrer[:URL_CHARS],
        network="" if Collected.NETWORK in off else arrival.network,
        **msgspec.structs.asdict(device),
    )
    for field, value in msgspec.structs.asdict(device).items():
        setattr(chat_user, field, value)
    chat_user.visit_count += 1
    chat_user.save(update_fields=["last_active", "visit_count", *msgspec.structs.asdict(device)])
    return visit, True


def seen(people: Sequence[uuid.UUID], now: dt.datetime | None = None) -> None:
    """Signs of life of `people`: moves their last-active and their open visits' last sign to now."""
    now = now or timezone.now()
    with transaction.atomic():
        ids = list(
            ChatUser.objects.select_for_update()
            .filter(uuid__in=people, erased_at=None)
            .order_by("id")
            .values_list("id", flat=True)
        )
        ChatUser.objects.filter(id__in=ids).update(last_active=now)
        Visit.objects.filter(chat_user__in=ids, ended_at=None).update(last_seen_at=now)


def end(person: uuid.UUID, at: dt.datetime, *, clean: bool) -> None:
    """Ends the open visit of `person` at their last sign of life; without a goodbye the end is estimated."""
    with transaction.atomic():
        chat_user = ChatUser.objects.select_for_update().filter(uuid=person, erased_at=None).first()
        if chat_user is None:
            return
        visit = chat_user.visits.filter(ended_at=None).first()
        if visit is not None:
            _end(visit, at, VisitEnd.LEFT if clean else VisitEnd.ESTIMATED)
        ChatUser.objects.filter(pk=chat_user.pk, last_active__lt=at).update(last_active=at)


def _end(visit: Visit, at: dt.datetime, how: VisitEnd) -> None:
    visit.ended_at = visit.last_seen_at = max(at, visit.last_seen_at)
    visit.how_ended = how
    visit.save(update_fields=["ended_at", "last_seen_at", "how_ended"])


def end_stale(online: set[uuid.UUID], now: dt.datetime | None = None, limit: int = 500) -> int:
    """Ends visits that a dead process left open: no sign of life for 3 minutes and nobody there. Returns how many."""
    now = now or timezone.now()
    stale = (
        Visit.objects.filter(ended_at=None, last_seen_at__lt=now - STALE)
        .exclude(chat_user__uuid__in=online)
        .order_by("last_seen_at")[:limit]
    )
    return Visit.objects.filter(pk__in=[visit.pk for visit in stale], ended_at=None).update(
        ended_at=F("last_seen_at"), how_ended=VisitEnd.ESTIMATED
    )
