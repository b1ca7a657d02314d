"""Visits: a person's presence with no gap over 30 minutes, kept so that a crash loses a minute at most."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chatadmin.lib.rows import save_rows
from users.models import URL_CHARS, ChatUser, Collected, CollectSetting, Visit, VisitEnd

GAP = dt.timedelta(minutes=30)
STALE = dt.timedelta(minutes=3)
# Between the clocks of two processes, and between a lease's clock and the row's.
SLACK = dt.timedelta(seconds=2)
# People written to in one transaction.
CHUNK = 100
_DEVICE = ("browser", "browser_version", "os", "device_kind")


class DeviceInfo(msgspec.Struct, frozen=True):
    """What a browser says of itself, cut to what is kept."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    device_kind: str = ""


@dataclass(frozen=True)
class Leaving:
    """Somebody's last sign of life, and whether they said goodbye."""

    at: dt.datetime
    clean: bool


@dataclass(frozen=True)
class Arrival:
    """How somebody came: the page, what led there, their device and network prefix."""

    url: str = ""
    title: str = ""
    referrer: str = ""
    device: DeviceInfo = DeviceInfo()
    network: str = ""


def begin(chat_user: ChatUser, arrival: Arrival, now: dt.datetime | None = None) -> tuple[Visit, bool]:
    """`begin_all` for one."""
    return begin_all([(chat_user, arrival)], now)[0]


def begin_all(
    arrivals: Sequence[tuple[ChatUser, Arrival]], now: dt.datetime | None = None
) -> list[tuple[Visit, bool]]:
    """The visit that each arriving person is in: the last one where the gap is 30 minutes or less, else a new one.

    They are locked by the caller's transaction, in id order; their counters and device are saved, and whoever has no
    row yet gets one. Who is there twice is the same object. Returns for each the visit, and whether it is new.
    """
    now = now or timezone.now()
    for chat_user, _ in arrivals:
        chat_user.last_active = max(filter(None, (chat_user.last_active, now)))
    current = _go_on([chat_user for chat_user, _ in arrivals if chat_user.pk is not None], now)
    going_on = [chat_user for chat_user, _ in arrivals if chat_user.pk in current]
    save_rows(list(dict.fromkeys(going_on)), ["last_active"])
    begun: dict[uuid.UUID, Visit] = {}
    begins = any(chat_user.pk not in current for chat_user, _ in arrivals)
    switched_off = CollectSetting.objects.filter(is_on=False).values_list("item", flat=True)
    off = set(switched_off) if begins else set()
    found = []
    for chat_user, arrival in arrivals:
        known = current.get(chat_user.pk) or begun.get(chat_user.uuid)
        if known is None:
            begun[chat_user.uuid] = _begun(chat_user, arrival, off, now)
        found.append((known or begun[chat_user.uuid], known is None))
    _save_begun([chat_user for chat_user, _ in arrivals if chat_user.uuid in begun], begun)
    return found


def _begun(chat_user: ChatUser, arrival: Arrival, off: Collection[str], now: dt.datetime) -> Visit:
    """A new visit, and what it changes of the person, neither of them saved."""
    device = msgspec.structs.asdict(DeviceInfo() if Collected.DEVICE in off else arrival.device)
    for field, value in device.items():
        setattr(chat_user, field, value)
    chat_user.visit_count += 1
    return Visit(
        started_at=now,
        last_seen_at=now,
        landing_url=arrival.url[:URL_CHARS],
        landing_title="" if Collected.PAGE_TITLES in off else arrival.title[:300],
        referrer="" if Collected.REFERRER in off else arrival.referrer[:URL_CHARS],
        network="" if Collected.NETWORK in off else arrival.network,
        **device,
    )


def _save_begun(people: Iterable[ChatUser], begun: Mapping[uuid.UUID, Visit]) -> None:
    arrived = {chat_user.uuid: chat_user for chat_user in people}.values()
    save_rows([one for one in arrived if one.pk is not None], ["last_active", "visit_count", *_DEVICE])
    ChatUser.objects.bulk_create([one for one in arrived if one.pk is None])
    for chat_user in arrived:
        begun[chat_user.uuid].chat_user = chat_user
    Visit.objects.bulk_create(begun.values())


def _go_on(people: Iterable[ChatUser], now: dt.datetime) -> dict[int, Visit]:
    """Opens the last visit of each again where the gap is 30 minutes or less, else ends one that is still open.
    Returns those that go on, by person.

    Of two people joined into one, the open visit need not be the one that began or was seen last.
    """
    ids = {chat_user.pk for chat_user in people}
    if not ids:
        return {}
    of_each: dict[int, list[Visit]] = {}
    recent = Visit.objects.filter(Q(ended_at=None) | Q(last_seen_at__gte=now - GAP), chat_user__in=ids)
    for visit in recent.order_by("-last_seen_at", "-id"):
        of_each.setdefault(visit.chat_user_id, []).append(visit)
    current: dict[int, Visit] = {}
    ended = []
    for chat_user_id, known in of_each.items():
        running = [visit for visit in known if now - visit.last_seen_at <= GAP]
        last = min(running, key=lambda visit: visit.ended_at is not None, default=None)
        for visit in known:
            if visit.ended_at is None and visit is not last:
                visit.ended_at, visit.how_ended = visit.last_seen_at, VisitEnd.ESTIMATED
                ended.append(visit)
        if last is not None:
            last.last_seen_at, last.ended_at, last.how_ended = max(now, last.last_seen_at), None, ""
            current[chat_user_id] = last
    # Those that end first: a person has one open visit at most.
    for changed in (ended, list(current.values())):
        save_rows(changed, ["last_seen_at", "ended_at", "how_ended"])
    return current


def resume(people: Iterable[uuid.UUID], now: dt.datetime) -> None:
    """Opens again the visits of `people` who were taken for gone and are heard from after all."""
    with transaction.atomic():
        locked = _locked(people)
        current = _go_on(locked, now)
        back = [chat_user for chat_user in locked if chat_user.pk in current]
        for chat_user in back:
            chat_user.last_active = max(filter(None, (chat_user.last_active, now)))
        save_rows(back, ["last_active"])


def seen(people: Iterable[uuid.UUID], now: dt.datetime | None = None) -> None:
    """Signs of life of `people`: moves their last-active and their open visits' last sign to now, never back."""
    now = now or timezone.now()
    with transaction.atomic():
        ids = [chat_user.pk for chat_user in _locked(people)]
        ChatUser.objects.filter(Q(last_active=None) | Q(last_active__lt=now), id__in=ids).update(
            last_active=now
        )
        Visit.objects.filter(chat_user__in=ids, ended_at=None, last_seen_at__lt=now).update(last_seen_at=now)


def end(leavings: Mapping[uuid.UUID, Leaving]) -> None:
    """Ends the open visit of each of these people at their last sign of life; without a goodbye it is estimated.

    A visit that was seen since then goes on: its person came back in between.
    """
    with transaction.atomic():
        people = {chat_user.pk: chat_user for chat_user in _locked(leavings)}
        ended = []
        for visit in Visit.objects.filter(chat_user__in=people, ended_at=None):
            leaving = leavings[people[visit.chat_user_id].uuid]
            if visit.last_seen_at <= leaving.at + SLACK:
                visit.ended_at = visit.last_seen_at = max(leaving.at, visit.last_seen_at)
                visit.how_ended = VisitEnd.LEFT if leaving.clean else VisitEnd.ESTIMATED
                ended.append(visit)
        Visit.objects.bulk_update(ended, ["ended_at", "last_seen_at", "how_ended"])
        later = []
        for chat_user in people.values():
            at = leavings[chat_user.uuid].at
            if chat_user.last_active is None or chat_user.last_active < at:
                chat_user.last_active = at
                later.append(chat_user)
        ChatUser.objects.bulk_update(later, ["last_active"])


def _locked(people: Iterable[uuid.UUID]) -> list[ChatUser]:
    # In id order: two that lock some of the same people would otherwise wait for each other.
    living = ChatUser.objects.filter(uuid__in=list(people), erased_at=None).only("uuid", "last_active")
    return list(living.select_for_update().order_by("id"))


def end_stale(online: set[uuid.UUID], now: dt.datetime | None = None, limit: int = 500) -> list[uuid.UUID]:
    """Ends visits that a dead process left open: no sign of life for 3 minutes and nobody there. Returns whose."""
    now = now or timezone.now()
    stale = Visit.objects.filter(ended_at=None, last_seen_at__lt=now - STALE)
    left = stale.exclude(chat_user__uuid__in=online).order_by("last_seen_at")
    people = list(left.values_list("chat_user__uuid", flat=True)[:limit])
    gone = []
    for start in range(0, len(people), CHUNK):
        with transaction.atomic():
            locked = {chat_user.pk: chat_user.uuid for chat_user in _locked(people[start : start + CHUNK])}
            # Asked again under the lock: a visit may go on in between.
            ended = list(stale.filter(chat_user__in=locked))
            for visit in ended:
                visit.ended_at, visit.how_ended = visit.last_seen_at, VisitEnd.ESTIMATED
            save_rows(ended, ["ended_at", "how_ended"])
        gone += [locked[visit.chat_user_id] for visit in ended]
    return gone
