"""The conversations of an imported document, their messages and the activity: many rows, written in chunks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, models, transaction

from chatadmin.lib.tokens import tokens
from conversations.models import ActivityEvent, Conversation, Message, Status
from exports.importing import rows
from exports.importing.numbering import Numbering
from exports.importing.tally import Tally
from search.arrivals import MESSAGES_EACH
from users.models import ChatUser

CHUNK_ROWS = 1_000
TALK = ("status", "turn", "started_at", "last_message_at", "closed_at")

Placed = tuple[str, Any]


class Talks:
    """Conversations by their id in the file: their key here, None where they weren't there and nothing is written."""

    def __init__(self, person: ChatUser, *, was_known: bool, dry: bool) -> None:
        self.person, self.dry = person, dry
        self.by_id: dict[str, int | None] = {}
        self.old: set[int] = set()
        self.there: defaultdict[dt.datetime, list[Conversation]] = defaultdict(list)
        if was_known:
            for talk in Conversation.objects.filter(chat_user=person.pk).order_by("pk").iterator():
                self.there[talk.started_at].append(talk)

    def put(self, given: rows.Conversation) -> str:
        """Writes a conversation; says whether it is new, changed or unchanged. Call it in a transaction."""
        same = self.there[given.started_at]
        if same:
            talk = same.pop(0)
            self.old.add(talk.pk)
            self.by_id[str(given.id)] = talk.pk
            return self._close(talk, given)
        talk = Conversation(chat_user=self.person)
        for name in TALK:
            setattr(talk, name, getattr(given, name))
        talk.closed_at = (given.closed_at or given.last_message_at) if given.status == "closed" else None
        if talk.status == Status.OPEN and self.person.pk is not None and self._has_open():
            # A person has one at most, and the one that is open here is the newer.
            talk.status, talk.closed_at = Status.CLOSED, given.last_message_at
        if not self.dry:
            talk.save()
        self.by_id[str(given.id)] = talk.pk
        return "new"

    def _close(self, talk: Conversation, given: rows.Conversation) -> str:
        """Of what is there only its end can be news; nothing is opened again."""
        if given.status == "open" or talk.status == Status.CLOSED:
            return "unchanged"
        talk.status, talk.closed_at = Status.CLOSED, given.closed_at or given.last_message_at
        if not self.dry:
            talk.save(update_fields=["status", "closed_at"])
        return "changed"

    def _has_open(self) -> bool:
        return Conversation.objects.filter(chat_user=self.person.pk, status=Status.OPEN).exists()


class Chunks:
    """Gathers rows and writes them by CHUNK_ROWS. `find` tells those that are there already, `make` makes the rest;
    what the database refuses is refused alone."""

    def __init__(self, kind: str, person: ChatUser, tally: Tally, *, dry: bool) -> None:
        self.kind, self.person, self.tally, self.dry = kind, person, tally, dry
        self.held: list[Placed] = []

    def add(self, place: str, given: Any) -> None:
        """Takes a row."""
        self.held.append((place, given))
        if len(self.held) == CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes what is held."""
        held, self.held = self.held, []
        if not held:
            return
        with transaction.atomic():
            if not self.dry and not self._lock():
                for place, _ in held:
                    self.tally.refuse(self.kind, place, "this person was erased meanwhile")
                return
            fresh = self._unknown(held)
            self._write(fresh)

    def _lock(self) -> bool:
        """As everybody does who adds to a person. False where they live no more."""
        living = ChatUser.objects.select_for_update().filter(pk=self.person.pk, erased_at=None)
        return living.first() is not None

    def _write(self, fresh: list[tuple[str, models.Model]]) -> None:
        if self.dry or not fresh:
            self.tally.add(self.kind, "new", len(fresh))
            return
        model = type(fresh[0][1])
        try:
            with transaction.atomic():
                model._default_manager.bulk_create([row for _, row in fresh])
            self.tally.add(self.kind, "new", len(fresh))
        except (DatabaseError, ValueError):
            for place, row in fresh:
                self._write_one(place, row)

    def _write_one(self, place: str, row: models.Model) -> None:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
            self.tally.add(self.kind, "new")
        except (DatabaseError, ValueError):
            self.tally.refuse(self.kind, place, "the database can't hold it")

    def _unknown(self, held: list[Placed]) -> list[tuple[str, models.Model]]:
        raise NotImplementedError


class Messages(Chunks):
    """The messages of the conversations of `talks`."""

    def __init__(
        self, person: ChatUser, tally: Tally, talks: Talks, numbering: Numbering, *, dry: bool
    ) -> None:
        super().__init__("messages", person, tally, dry=dry)
        self.talks, self.numbering = talks, numbering
        self.claimed: set[int] = set()
        # The ids of the last ones that went in.
        self.newest: deque[int] = deque(maxlen=MESSAGES_EACH)

    def _unknown(self, held: list[Placed]) -> list[tuple[str, models.Model]]:
        there, last = self._there(held), max(given.at for _, given in held)
        claimed: set[int] = set()
        fresh: list[tuple[str, models.Model]] = []
        seen: list[Message] = []
        for place, given in held:
            key = (self.talks.by_id[str(given.conversation)], given.at, *_said(given))
            same = next((row for row in there[key] if row.data == given.data), None)
            if same is None:
                fresh.append((place, self._made(given)))
                continue
            there[key].remove(same)
            if given.at == last:
                claimed.add(same.pk)
            if given.read_at is not None and same.read_at is None:
                same.read_at = given.read_at
                seen.append(same)
        self.tally.add("messages", "changed", len(seen))
        self.tally.add("messages", "unchanged", len(held) - len(fresh) - len(seen))
        if seen and not self.dry:
            Message.objects.bulk_update(seen, ["read_at"])
        self.claimed = claimed
        self.newest.extend(row.pk for _, row in fresh)
        return fresh

    def _there(self, held: list[Placed]) -> defaultdict[Any, list[Message]]:
        """What is there of the time of these rows, in the same conversations."""
        old = {self.talks.by_id[str(given.conversation)] for _, given in held} & self.talks.old
        found: defaultdict[Any, list[Message]] = defaultdict(list)
        if old:
            times = [given.at for _, given in held]
            rows_there = Message.objects.filter(
                chat_user=self.person.pk, conversation__in=old, created_at__range=(min(times), max(times))
            ).defer("tokens")
            for row in rows_there.exclude(pk__in=self.claimed).order_by("created_at", "pk"):
                said = (row.sender, row.kind, row.body, row.author_name)
                found[(row.conversation_id, row.created_at, *said)].append(row)
        return found

    def _made(self, given: rows.Message) -> Message:
        row = Message(
            pk=self.numbering.next(given.at),
            chat_user=self.person,
            sender=given.sender,
            kind=given.kind,
            body=given.body,
            data=given.data,
            tokens="" if given.sender == "system" else tokens(given.body),
            author_name=given.author,
            created_at=given.at,
            read_at=given.read_at,
        )
        row.conversation_id = self.talks.by_id[str(given.conversation)]  # type: ignore[assignment]
        return row


def _said(given: rows.Message) -> tuple[str, str, str, str]:
    return given.sender, given.kind, given.body, given.author


class Activity(Chunks):
    """What the person did; `visits` are the keys of the file's visits."""

    def __init__(
        self, person: ChatUser, tally: Tally, visits: dict[str, int | None], *, was_known: bool, dry: bool
    ) -> None:
        super().__init__("activity", person, tally, dry=dry)
        self.visits, self.was_known = visits, was_known
        self.claimed: set[int] = set()

    def _unknown(self, held: Sequence[Placed]) -> list[tuple[str, models.Model]]:
        there, last = self._there(held), max(given.at for _, given in held)
        claimed: set[int] = set()
        fresh: list[tuple[str, models.Model]] = []
        for place, given in held:
            same = next((row for row in there[(given.at, given.kind)] if row.data == given.data), None)
            if same is None:
                fresh.append((place, self._made(given)))
                continue
            there[(given.at, given.kind)].remove(same)
            if given.at == last:
                claimed.add(same.pk)
        self.tally.add("activity", "unchanged", len(held) - len(fresh))
        self.claimed = claimed
        return fresh

    def _there(self, held: Sequence[Placed]) -> defaultdict[Any, list[ActivityEvent]]:
        found: defaultdict[Any, list[ActivityEvent]] = defaultdict(list)
        if self.was_known:
            times = [given.at for _, given in held]
            there = ActivityEvent.objects.filter(chat_user=self.person.pk, at__range=(min(times), max(times)))
            for row in there.exclude(pk__in=self.claimed).order_by("at", "pk"):
                found[(row.at, row.kind)].append(row)
        return found

    def _made(self, given: rows.Activity) -> ActivityEvent:
        visit = self.visits.get(str(given.visit)) if given.visit is not None else None
        return ActivityEvent(
            chat_user=self.person, visit_id=visit, kind=given.kind, at=given.at, data=given.data
        )
