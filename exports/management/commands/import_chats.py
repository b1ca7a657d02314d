"""`manage.py import_chats chatadmin FILE… [--dry-run]`: brings exported people back in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from exports import ledger
from exports.importing.documents import bring_in, times
from exports.importing.files import documents
from exports.importing.lock import Busy, alone
from exports.importing.numbering import Numbering
from exports.importing.source import Document, Unreadable
from exports.importing.tally import Tally
from exports.importing.telling import Bulletin
from staff.commands import AuditedCommand

FORMATS = ("chatadmin",)
REFUSED = 2


class Command(AuditedCommand):
    help = "Brings in people, conversations and messages. What is there already stays; run again, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("format", metavar="FORMAT", help=f"one of: {', '.join(FORMATS)}")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON or ZIP")
        parser.add_argument("--dry-run", action="store_true", help="only say what would go in")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] not in FORMATS:
            raise CommandError(f"Unknown format {options['format']}: give one of {', '.join(FORMATS)}.")
        try:
            # Whoever it names doesn't come back, so nothing goes in without it.
            ledger.current()
        except OSError as error:
            raise CommandError(f"The ledger of erasures can't be read: {error.strerror}") from None
        try:
            with alone():
                self._bring_in(options["files"], dry=options["dry_run"])
        except Busy:
            raise CommandError("Another import is at work: wait for it.") from None

    def _bring_in(self, files: list[Path], *, dry: bool) -> None:
        tally = Tally(self.stdout.write)
        found = list(self._documents(files, tally))
        numbering = Numbering(times(found))
        with Bulletin() as bulletin:
            for document in found:
                bring_in(document, numbering, tally, bulletin, dry=dry)
        if dry:
            self.stdout.write("Nothing was written. It would be:")
        for line in tally.lines():
            self.stdout.write(line)
        if tally.refused:
            sys.exit(REFUSED)

    def _documents(self, files: list[Path], tally: Tally) -> Iterator[Document]:
        for path in files:
            try:
                yield from documents(path)
            except Unreadable as error:
                tally.refuse("file", str(path), str(error))
