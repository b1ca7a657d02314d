"""Brings documents in: a look at their times, then one after another."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import DatabaseError, transaction

from exports.as_json import SCHEMA
from exports.importing import rows
from exports.importing.numbering import Numbering, time_of
from exports.importing.people import Hanging, put_person
from exports.importing.recount import recount
from exports.importing.rows import BadRow, checked
from exports.importing.source import Document, Row
from exports.importing.talks import Activity, Messages, Talks
from exports.importing.tally import Tally
from exports.importing.telling import HISTORY, Bulletin
from staff import audit

TALKS_TOGETHER = 500
FEW = ("tags", "notes", "merges")


def times(documents: Iterable[Document]) -> Iterator[Any]:
    """The times of all messages in these documents."""
    for document in documents:
        for row in document.rows():
            if row.kind == "messages" and (at := time_of(row.value)) is not None:
                yield at


@dataclass
class _Outline:
    """What is read of a document before any of its rows goes in."""

    profile: rows.Profile | None = None
    has_schema: bool = False
    broken: bool = False
    place: str = ""
    wrong: str = ""
    talks: list[tuple[str, rows.Conversation]] = field(default_factory=list)
    visits: list[tuple[str, rows.Visit]] = field(default_factory=list)
    joined: list[uuid.UUID] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)


def bring_in(
    document: Document, numbering: Numbering, tally: Tally, bulletin: Bulletin, *, dry: bool
) -> None:
    """Writes what of the document isn't there; `tally` counts it, `bulletin` tells open pages. With `dry` only counts."""
    outline = _outlined(document)
    if outline.profile is None or outline.wrong:
        reason = outline.wrong or "a document without a profile"
        tally.refuse("profile", outline.place or f"{document.name}:1", reason)
        _refuse_rest(document, tally)
        return
    try:
        put = put_person(outline.profile, outline.joined, dry=dry)
    except BadRow as error:
        tally.refuse("profile", outline.place, str(error))
        _refuse_rest(document, tally)
        return
    tally.add("profile", put.outcome)
    for kind, place, reason in outline.refused:
        tally.refuse(kind, place, reason)
    before = tally.written
    writing = _Writing(document, put.person, tally, was_known=put.outcome != "new", dry=dry)
    writing.write(outline, numbering)
    if dry:
        return
    changed = {*put.changed, *writing.changed}
    if tally.written != before:
        changed.add(HISTORY)
    if changed:
        audit.record(actor=None, verb="user.imported", person=put.person.uuid, detail={"by": "command"})
    # Also where nothing was written: an import that was killed left it undone.
    changed.update(recount(put.person.pk))
    if changed:
        bulletin.add(put.person.pk, changed, writing.messages.newest)


def _outlined(document: Document) -> _Outline:
    found = _Outline()
    for row in document.rows():
        if row.kind == "":
            found.broken = True
            if found.profile is None:
                found.place, found.wrong = row.place, row.error
        elif row.kind == "schema":
            found.has_schema = True
            if row.value != SCHEMA:
                found.place, found.wrong = row.place, f"its schema isn't {SCHEMA}"
                return found
        elif row.kind in ("profile", "conversations", "visits"):
            try:
                _outline_row(found, row)
            except BadRow as error:
                found.refused.append((row.kind, row.place, str(error)))
        elif row.kind == "merges":
            # One that can't be read is refused when it is its turn.
            with contextlib.suppress(BadRow):
                merge = _value(row)
                found.joined += [] if merge.undone_at else [merge.uuid]
    if document.has_schema and not found.has_schema and not found.broken:
        found.wrong = "it says no schema, so it is no export"
    return found


def _outline_row(found: _Outline, row: Row) -> None:
    if row.kind == "profile":
        found.place = row.place
        try:
            found.profile = _value(row)
        except BadRow as error:
            found.wrong = str(error)
    elif row.kind == "visits":
        found.visits.append((row.place, _value(row)))
    else:
        found.talks.append((row.place, _value(row)))


def _value(row: Row) -> Any:
    """The checked row. Raises BadRow."""
    if row.error:
        raise BadRow(row.error)
    return checked(row.kind, row.value)


def _refuse_rest(document: Document, tally: Tally) -> None:
    """Counts what can't go in without its person; the line about the person says why."""
    for row in document.rows():
        if row.kind not in ("", "schema", "profile"):
            tally.add(row.kind, "refused")


class _Writing:
    """One document on its way in."""

    def __init__(self, document: Document, person: Any, tally: Tally, *, was_known: bool, dry: bool) -> None:
        self.document, self.person, self.tally = document, person, tally
        self.was_known, self.dry = was_known, dry
        self.hanging = Hanging(person, dry=dry)
        self.talks = Talks(person, was_known=was_known, dry=dry)
        # What of the person's own changed by what hangs on them.
        self.changed: set[str] = set()

    def write(self, outline: _Outline, numbering: Numbering) -> None:
        for place, visit in outline.visits:
            self._put("visits", place, visit)
        left = iter(outline.talks)
        while some := list(islice(left, TALKS_TOGETHER)):
            with transaction.atomic():
                for place, talk in some:
                    self._talk(place, talk)
        messages = self.messages = Messages(self.person, self.tally, self.talks, numbering, dry=self.dry)
        activity = Activity(
            self.person, self.tally, self.hanging.visits, was_known=self.was_known, dry=self.dry
        )
        for row in self.document.rows():
            try:
                self._take(row, messages, activity)
            except BadRow as error:
                self.tally.refuse(row.kind, row.place, str(error))
        messages.flush()
        activity.flush()

    def _take(self, row: Row, messages: Messages, activity: Activity) -> None:
        if row.kind == "":
            raise BadRow(row.error)
        if row.kind == "messages":
            given = _value(row)
            if str(given.conversation) not in self.talks.by_id:
                raise BadRow("its conversation isn't there")
            messages.add(row.place, given)
        elif row.kind == "activity":
            activity.add(row.place, _value(row))
        elif row.kind in FEW:
            self._put(row.kind, row.place, _value(row))

    def _put(self, kind: str, place: str, given: Any) -> None:
        try:
            outcome = self.hanging.put(kind, given)
        except BadRow as error:
            self.tally.refuse(kind, place, str(error))
            return
        self.tally.add(kind, outcome)
        if kind == "tags" and outcome == "new":
            self.changed.add(kind)

    def _talk(self, place: str, given: rows.Conversation) -> None:
        try:
            with transaction.atomic():
                outcome = self.talks.put(given)
        except DatabaseError:
            self.tally.refuse("conversations", place, "the database can't hold it")
        else:
            self.tally.add("conversations", outcome)
