"""The person of an imported document, and what hangs on them in small numbers: visits, tags, notes, merges."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction

from chatadmin.lib.tokens import folded
from conversations.models import MergeJournal
from exports.holds import bring_hold
from exports.importing import rows
from exports.importing.erased import refuse_erased
from exports.importing.rows import BadRow
from exports.importing.telling import CREATED
from users.actions import TAGS_PER_PERSON
from users.models import NAME_CHARS, ChatUser, Note, Tag, Tagging, Visit, VisitEnd
from users.text import EMAIL_CHARS

TAKEN = (
    *("name", "email", "external_id", "identified_at", "verified_at", "traits", "is_vip", "vip_reason"),
    *("browser", "browser_version", "os", "device_kind"),
)
# An old file neither lets anybody write again nor ends a legal hold.
KEPT = ("blocked_at", "held_at")
VISIT = tuple(name for name in rows.Visit.__struct_fields__ if name not in ("id", "started_at"))


@dataclass(frozen=True)
class Put:
    """A person as the file has them; whether they are new, changed or unchanged; and the columns that changed."""

    person: ChatUser
    outcome: str
    changed: list[str]


def put_person(given: rows.Profile, joined: Sequence[uuid.UUID], *, dry: bool) -> Put:
    """Writes what the file says of the person, into whom it says that `joined` were joined; with `dry` nothing is
    written, and someone new has no key. Raises BadRow, and OSError where the ledger can't be read."""
    try:
        with transaction.atomic():
            return _put(given, joined, dry)
    except DatabaseError:
        raise BadRow("the database can't hold it") from None


def _put(given: rows.Profile, joined: Sequence[uuid.UUID], dry: bool) -> Put:
    person = ChatUser.objects.select_for_update().filter(uuid=given.uuid).first()
    if person is not None and person.erased_at is not None:
        raise BadRow("this person is being erased")
    refuse_erased(given.uuid, joined, is_here=person is not None)
    namesake = ChatUser.objects.filter(external_id=given.external_id).exclude(uuid=given.uuid)
    if given.external_id is not None and namesake.exists():
        raise BadRow("external_id is another person's")
    if person is None:
        person, outcome, changed = ChatUser(uuid=given.uuid), "new", [CREATED]
    else:
        changed = _changed(person, given)
        outcome = "changed" if changed else "unchanged"
    if outcome != "unchanged":
        was_held = person.held_at is not None
        _fill(person, given)
        if not dry:
            person.save()
            if person.held_at is not None and not was_held:
                bring_hold(person)
    return Put(person, outcome, changed)


def _changed(person: ChatUser, given: rows.Profile) -> list[str]:
    changed = [name for name in TAKEN if getattr(person, name) != getattr(given, name)]
    changed += [name for name in KEPT if getattr(given, name) and not getattr(person, name)]
    if given.first_seen < person.first_seen:
        changed.append("first_seen")
    known = person.last_active
    if given.last_active is not None and (known is None or known < given.last_active):
        changed.append("last_active")
    return changed


def _fill(person: ChatUser, given: rows.Profile) -> None:
    for name in TAKEN:
        setattr(person, name, getattr(given, name))
    for name in KEPT:
        setattr(person, name, getattr(person, name) or getattr(given, name))
    person.name_folded = folded(given.name, 4 * NAME_CHARS)
    person.email_folded = folded(given.email, 4 * EMAIL_CHARS)
    is_new = person.pk is None
    person.first_seen = given.first_seen if is_new else min(person.first_seen, given.first_seen)
    known = [at for at in (person.last_active, given.last_active) if at is not None]
    person.last_active = max(known, default=None)


class Hanging:
    """Writes rows of one person, a kind at a time. Each `put_…` returns the row's outcome and raises BadRow."""

    def __init__(self, person: ChatUser, *, dry: bool) -> None:
        self.person, self.dry = person, dry
        self.visits: dict[str, int | None] = {}
        self.known = person.pk is not None
        self.there: dict[str, defaultdict[Any, list[Any]]] = {}

    def put(self, kind: str, given: Any) -> str:
        """Writes a row of that kind."""
        writers: dict[str, Callable[[Any], str]]
        writers = {"visits": self._visit, "tags": self._tag, "notes": self._note, "merges": self._merge}
        try:
            with transaction.atomic():
                return writers[kind](given)
        except DatabaseError:
            raise BadRow("the database can't hold it") from None

    def _visit(self, given: rows.Visit) -> str:
        there = self._there("visits", Visit, "started_at")[given.started_at]
        if there:
            visit = there.pop(0)
            self.visits[str(given.id)] = visit.pk
            # One that goes on in the file has ended here since.
            if given.ended_at is None or all(getattr(visit, name) == getattr(given, name) for name in VISIT):
                return "unchanged"
        else:
            visit = Visit(chat_user=self.person, started_at=given.started_at)
        self._fill_visit(visit, given)
        outcome = "changed" if visit.pk else "new"
        if not self.dry:
            visit.save()
        self.visits[str(given.id)] = visit.pk
        return outcome

    def _fill_visit(self, visit: Visit, given: rows.Visit) -> None:
        for name in VISIT:
            setattr(visit, name, getattr(given, name))
        visit.last_seen_at = max(given.last_seen_at, given.started_at)
        if given.ended_at is not None:
            visit.ended_at = max(given.ended_at, given.started_at)
        elif self.known and Visit.objects.filter(chat_user=self.person.pk, ended_at=None).exists():
            visit.ended_at, visit.how_ended = visit.last_seen_at, VisitEnd.ESTIMATED

    def _tag(self, given: rows.Tag) -> str:
        name = folded(given.name)
        if name is None:
            raise BadRow("a tag without a letter or digit")
        worn = Tagging.objects.filter(chat_user=self.person.pk)
        if self.known and worn.filter(tag__name_folded=name).exists():
            return "unchanged"
        if self.known and worn.count() >= TAGS_PER_PERSON:
            raise BadRow(f"the person has {TAGS_PER_PERSON} tags already")
        if not self.dry:
            standing = Tag.objects.select_for_update(no_key=True)
            tag, _ = standing.get_or_create(name_folded=name, defaults={"name": given.name})
            Tagging.objects.create(chat_user=self.person, tag=tag, at=given.at)
        return "new"

    def _note(self, given: rows.Note) -> str:
        there = self._there("notes", Note, "created_at", "author_name", "body")
        if same := there[(given.at, given.author, given.body)]:
            same.pop(0)
            return "unchanged"
        if not self.dry:
            Note.objects.create(
                chat_user=self.person, created_at=given.at, author_name=given.author, body=given.body
            )
        return "new"

    def _merge(self, given: rows.Merge) -> str:
        there = MergeJournal.objects.filter(merged_uuid=given.uuid, at=given.at).first()
        if there is not None:
            if there.chat_user_id != self.person.pk:
                raise BadRow("this visitor was joined into another person")
            return "unchanged"
        if not self.dry:
            MergeJournal.objects.create(
                chat_user=self.person,
                merged_uuid=given.uuid,
                at=given.at,
                undone_at=given.undone_at,
                profile=given.profile,
                # Which rows came from there only the installation knows in which they were joined.
                moved={},
            )
        return "new"

    def _there(self, kind: str, model: Any, *columns: str) -> defaultdict[Any, list[Any]]:
        """What the person has of that kind when it is first asked, by these columns."""
        if kind not in self.there:
            there: defaultdict[Any, list[Any]] = defaultdict(list)
            if self.known:
                for row in model.objects.filter(chat_user=self.person.pk).order_by("pk").iterator():
                    key = tuple(getattr(row, column) for column in columns)
                    there[key if len(columns) > 1 else key[0]].append(row)
            self.there[kind] = there
        return self.there[kind]
