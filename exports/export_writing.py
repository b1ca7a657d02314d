"""Writes the file of an export of many people: a ZIP with a JSON document, or a folder of tables, for each."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
import zipfile
from collections.abc import Iterator
from typing import IO

from django.db import transaction
from django.utils import timezone

from chatadmin.lib.packing import part
from exports.as_text import moment
from exports.export_files import open_private, part_of, spool_of
from exports.models import Export, ExportedPerson, ExportState
from exports.stream import Form, LeaveOut, PersonGone
from exports.stream import export as export_of
from staff import audit
from users.models import ChatUser
from users.queries import living

SCHEMA = "chatadmin.export/1"
LEASE = dt.timedelta(seconds=15)
TOLD_SECONDS = 0.5
TOGETHER = 50
COPIED_BYTES = 1024 * 1024


class Lost(Exception):
    """Somebody else writes it by now."""


class Stopped(Exception):
    """It was stopped or deleted."""


class Stale(Exception):
    """Somebody who is in it was erased: what was written must go."""


class _Progress:
    """How far it is: told now and then, which also renews the lease and hears what was asked meanwhile."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.told = time.monotonic()

    def tell(self, *, bytes_written: int, now: bool = False) -> None:
        """Raises Lost, Stopped, Stale."""
        if not now and time.monotonic() - self.told < TOLD_SECONDS:
            return
        self.told = time.monotonic()
        export = self.export
        mine = Export.objects.filter(pk=export.pk, holder=export.holder, state=ExportState.RUNNING)
        renewed = mine.update(
            done=export.done,
            written=export.written,
            bytes=bytes_written,
            leased_until=timezone.now() + LEASE,
        )
        held = Export.objects.filter(pk=export.pk).values("state", "is_stale").first()
        if not renewed:
            raise Stopped if held is None or held["state"] != ExportState.RUNNING else Lost
        if held is not None and held["is_stale"]:
            raise Stale


def write(export: Export) -> None:
    """Writes the whole file to where its holder writes it, flushed to the disk.

    `export.done` and `export.written` move: of those who were erased before it came to them nothing is in it.
    Raises Lost, Stopped, Stale, and OSError.
    """
    export.done = export.written = 0
    ExportedPerson.objects.filter(export=export).delete()
    progress = _Progress(export)
    with os.fdopen(open_private(part_of(export)), "w+b") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
            for people in _people(export):
                _note(export, people)
                for person in people:
                    export.written += _write_person(export, person, zipped, progress)
                    export.done += 1
                    progress.tell(bytes_written=out.tell())
            export.done = export.total
            zipped.writestr(_entry("manifest.json"), _manifest(export))
        out.flush()
        os.fsync(out.fileno())
        progress.tell(bytes_written=out.tell(), now=True)


def _people(export: Export) -> Iterator[list[ChatUser]]:
    """Those who live, some at a time; who was erased counts as done."""
    place = None
    while True:
        here = part(export.people, place, TOGETHER)
        found = list(living().filter(pk__in=here.ids).order_by("pk"))
        export.done += len(here.ids) - len(found)
        yield found
        place = here.next
        if place is None:
            return


def _note(export: Export, people: list[ChatUser]) -> None:
    """Before the first of their bytes: who is in the file, and a line in the log about each."""
    detail = {"format": export.form, "export": export.pk}
    with transaction.atomic():
        inside = [
            ExportedPerson(export=export, person_hash=audit.person_hash(person.uuid)) for person in people
        ]
        ExportedPerson.objects.bulk_create(inside)
        uuids = [person.uuid for person in people]
        audit.record_many(actor=export.account, verb="user.exported", people=uuids, detail=detail)


def _write_person(export: Export, person: ChatUser, zipped: zipfile.ZipFile, progress: _Progress) -> bool:
    """Whether the person is in the archive: not where they were erased before all of theirs was read."""
    spool = spool_of(export)
    form, left_out = Form(export.form), [LeaveOut(name) for name in export.left_out]
    size = zipped.fp.tell() if zipped.fp is not None else 0
    try:
        with os.fdopen(open_private(spool), "w+b") as whole:
            for block in export_of(person, form, left_out).blocks:
                whole.write(block)
                progress.tell(bytes_written=size + whole.tell())
            whole.seek(0)
            if form is Form.JSON:
                _copy(whole, zipped, f"{person.uuid}.json", progress)
                return True
            with zipfile.ZipFile(whole) as tables:
                for table in tables.infolist():
                    with tables.open(table) as rows:
                        _copy(rows, zipped, f"{person.uuid}/{table.filename}", progress)
            return True
    except PersonGone:
        ExportedPerson.objects.filter(export=export, person_hash=audit.person_hash(person.uuid)).delete()
        return False
    finally:
        spool.unlink(missing_ok=True)


def _copy(source: IO[bytes], zipped: zipfile.ZipFile, name: str, progress: _Progress) -> None:
    with zipped.open(_entry(name), "w", force_zip64=True) as out:
        while block := source.read(COPIED_BYTES):
            out.write(block)
            progress.tell(bytes_written=zipped.fp.tell() if zipped.fp is not None else 0)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, timezone.now().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _manifest(export: Export) -> str:
    manifest = {
        "schema": SCHEMA,
        "exported_at": moment(timezone.now()),
        "format": export.form,
        "left_out": export.left_out,
        "people": export.written,
    }
    return json.dumps(manifest, indent=1) + "\n"
