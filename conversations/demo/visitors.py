"""First pass: writes people, their visits, activity events, tags and notes, and notes their conversations down."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from chatadmin.lib.tokens import folded
from conversations.demo import people
from conversations.demo.cast import Role, cast
from conversations.demo.people import Who
from conversations.demo.plan import Stay
from conversations.demo.tables import Table
from conversations.demo.talks import NOBODY, Agenda
from conversations.models import ActivityEvent, EventKind
from staff.models import Account
from users.models import ChatUser, Note, Tag, Tagging, Visit, VisitEnd

DEVICE = ("browser", "browser_version", "os", "device_kind")


class PeopleWriter:
    """Writes people one after the other; `tables` are what a chunk of them touches."""

    def __init__(self, *, now: dt.datetime, seed: int, staff: Sequence[Account]) -> None:
        self.now, self.seed, self.staff = now, seed, staff
        self.people = Table(
            ChatUser,
            *("uuid", "name", "email", "external_id", "traits", "name_folded", "email_folded"),
            *("identified_at", "verified_at", "blocked_at", "is_vip", "vip_reason"),
            *("first_seen", "first_contact", "last_active"),
            *("message_count", "visit_count", "unread_count"),
            *DEVICE,
        )
        self.visits = Table(
            Visit,
            *("chat_user_id", "started_at", "last_seen_at", "ended_at", "how_ended"),
            *("landing_url", "landing_title", "referrer", "network"),
            *DEVICE,
        )
        self.events = Table(ActivityEvent, "chat_user_id", "visit_id", "kind", "at", "data")
        self.taggings = Table(Tagging, "chat_user_id", "tag_id", "at")
        self.notes = Table(Note, "chat_user_id", "author_id", "author_name", "body", "created_at")
        self.tables = [self.people, self.visits, self.events, self.taggings, self.notes]
        self.tags: dict[str, int] = {}
        self.roles = {id(role): at for at, role in enumerate(cast())}
        self.visits_written = self.events_written = 0

    def add(self, rng: random.Random, who: Who, stays: list[Stay], agenda: Agenda, role: Role | None) -> None:
        """Adds a person with their visits, and their conversations to the agenda."""
        person = self._add_person(who, stays)
        for at, stay in enumerate(stays):
            visit = self._add_visit(rng, who, person, stay, is_first=at == 0)
            if at == 0 and who.fields:
                self._event(person, visit, EventKind.IDENTIFIED, _known(stays), {"fields": who.fields})
        last = stays[-1].end
        if who.is_blocked:
            self._event(person, None, EventKind.BLOCKED, last, {})
        talks = [stay.talk for stay in stays if stay.talk is not None]
        for talk in talks:
            scripted = role is not None and talk is talks[-1] and bool(role.talk)
            agenda.add(person, who.language.code, talk, role.talk if role is not None and scripted else None)
        self._mark(rng, who, person, stays)

    def _add_person(self, who: Who, stays: list[Stay]) -> int:
        talks = [stay.talk for stay in stays if stay.talk is not None]
        known = self._at(_known(stays)) if who.fields else None
        return self.people.add(
            *(
                who.uuid,
                who.name,
                who.email,
                who.external_id,
                who.traits,
                folded(who.name),
                folded(who.email),
            ),
            *(known, known if who.external_id else None),
            *(self._at(stays[-1].end) if who.is_blocked else None, who.is_vip, who.vip_reason),
            self._at(stays[0].start),
            self._at(talks[0].start) if talks else None,
            self._at(stays[-1].end),
            *(sum(talk.said for talk in talks), len(stays), sum(talk.waiting for talk in talks)),
            *(who.device.browser, who.device.browser_version, who.device.os, who.device.kind),
        )

    def _add_visit(self, rng: random.Random, who: Who, person: int, stay: Stay, *, is_first: bool) -> int:
        device = people.draw_device(rng) if not is_first and rng.random() < 0.1 else who.device
        path, title = rng.choice(people.PAGES)
        url, referrer = people.SITE + path, rng.choice(people.REFERRERS) if is_first else ""
        start, end = self._at(stay.start), self._at(stay.end)
        self.visits_written += 1
        visit = self.visits.add(
            *(person, start, end, end, VisitEnd.ESTIMATED if stay.estimated else VisitEnd.LEFT),
            *(url, title, referrer, who.network),
            *(device.browser, device.browser_version, device.os, device.kind),
        )
        kind = EventKind.FIRST_VISIT if is_first else EventKind.VISIT
        self._event(person, visit, kind, stay.start, {"url": url, "title": title, "referrer": referrer})
        self._look_around(rng, person, visit, stay, path)
        return visit

    def _look_around(self, rng: random.Random, person: int, visit: int, stay: Stay, path: str) -> None:
        """Pages and the widget: opened before the first message, closed after the last."""
        opened = stay.talk.start - 1 - (stay.talk.start - stay.start) // 4 if stay.talk else stay.end
        for at in range(int(rng.expovariate(1.1))):
            other, title = rng.choice(people.PAGES)
            moment = stay.start + (opened - stay.start) * (at + 1) // 8
            if other != path and at < 6:
                self._event(
                    person, visit, EventKind.PAGE, moment, {"url": people.SITE + other, "title": title}
                )
                path = other
        if stay.talk is not None:
            self._event(person, visit, EventKind.WIDGET_OPENED, max(opened, stay.start), {})
            if not stay.estimated:
                self._event(person, visit, EventKind.WIDGET_CLOSED, stay.end, {})
        elif rng.random() < 0.2:
            self._event(person, visit, EventKind.WIDGET_OPENED, (stay.start + stay.end) // 2, {})
            self._event(person, visit, EventKind.WIDGET_CLOSED, stay.end, {})

    def _mark(self, rng: random.Random, who: Who, person: int, stays: list[Stay]) -> None:
        for tag in who.tags:
            self.taggings.add(person, self._tag(tag), self._at(rng.choice(stays).end))
        for at, body in enumerate(who.notes):
            author = self.staff[(person + at) % len(self.staff)] if self.staff else None
            moment = self._at(stays[-1 - at % len(stays)].end)
            self.notes.add(person, *author_columns(author), body, moment)

    def _tag(self, name: str) -> int:
        if name not in self.tags:
            looks = {"name": name, "color": people.TAG_COLORS.get(name, "")}
            made, _ = Tag.objects.get_or_create(name_folded=folded(name), defaults=looks)
            self.tags[name] = made.pk
        return self.tags[name]

    def _event(
        self, person: int, visit: int | None, kind: EventKind, at: int, data: dict[str, object]
    ) -> None:
        self.events_written += 1
        self.events.add(person, visit, kind.value, self._at(at), data)

    def _at(self, moment: int) -> dt.datetime:
        return self.now + dt.timedelta(milliseconds=moment)


def author_columns(author: Account | None) -> tuple[int | None, str]:
    """`author_id` and `author_name` of what `author` wrote; a name without an account where there is none."""
    return (author.pk, author.display_name) if author is not None else NOBODY


def _known(stays: list[Stay]) -> int:
    """When they said who they are: in the middle of the first visit."""
    return (stays[0].start + stays[0].end) // 2
