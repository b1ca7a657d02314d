"""`manage.py export_user UUID --format json|csv [--out FILE]`: everything about one person, as the button gives it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from exports.stream import Form, LeaveOut, PersonGone, export
from staff import audit
from staff.commands import AuditedCommand
from users.models import ChatUser
from users.queries import person_by_uuid


class Command(AuditedCommand):
    help = "Writes everything that is held about one person, to a file or to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uuid", type=uuid.UUID, metavar="UUID")
        parser.add_argument("--format", required=True, choices=[form.value for form in Form])
        parser.add_argument(
            "--leave-out", action="append", default=[], choices=[part.value for part in LeaveOut]
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="only the owner may read it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = person_by_uuid(options["uuid"])
        except ChatUser.DoesNotExist:
            raise CommandError("There is no person with this id.") from None
        form = Form(options["format"])
        left_out = sorted(set(options["leave_out"]))
        with _target(options["out"]) as out:
            audit.record(
                actor=None,
                verb="user.exported",
                person=person.uuid,
                detail={"format": form.value, "by": "command"} | ({"left_out": left_out} if left_out else {}),
            )
            try:
                for block in export(person, form, [LeaveOut(part) for part in left_out]).blocks:
                    out.write(block)
            except PersonGone:
                raise CommandError("The person was erased meanwhile: nothing was written.") from None


@contextlib.contextmanager
def _target(path: Path | None) -> Iterator[BinaryIO]:
    """Where the bytes go; a file appears under its name only once it is whole."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        os.replace(part, path)
    except BaseException:
        Path(part).unlink()
        raise
