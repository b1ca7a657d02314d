"""`manage.py replay_erasures [LEDGER…]`: after a restored backup, erases again everyone erased since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from exports import ledger
from exports.replay import replay
from exports.waiting import until_finished
from staff.commands import AuditedCommand


class Command(AuditedCommand):
    help = (
        "Erases again everyone whom the ledger names and who is there: a restored backup brought them back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "ledgers", nargs="*", type=Path, metavar="LEDGER", help="default: the ledger of this installation"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        erased: dict[str, str] = {}
        incomplete = False
        for path in options["ledgers"] or [Path(settings.ERASURE_LEDGER)]:
            told = self._read(path)
            erased |= told.erased
            incomplete = incomplete or bool(told.broken or told.foreign)
        try:
            done = replay(erased)
        except ledger.Unwritable as error:
            raise CommandError(f"The ledger can't be written, so not everybody was erased. {error}") from None
        if not until_finished(done.erasures):
            raise CommandError("Not all of them are finished yet: the server goes on with it.")
        self.stdout.write(
            f"{len(erased)} in the ledger, {len(done.erasures)} were back and are erased again."
        )
        if done.held:
            raise CommandError(
                f"{done.held} are kept by a legal hold of the backup's: lift it and run this again."
            )
        if incomplete:
            raise CommandError("Not every line of the ledger could be used: see above.")

    def _read(self, path: Path) -> ledger.Told:
        try:
            told = ledger.read(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        for number in told.broken:
            self.stdout.write(f"{path}:{number}: not a line of a ledger")
        if told.foreign:
            self.stdout.write(f"{path}: {told.foreign} lines were made with another SECRET_KEY")
        return told
