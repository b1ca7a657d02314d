"""`manage.py replay_erasures [--also-doubtful] [LEDGER…]`: after a restored backup, erases again everyone erased since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from exports import ledger
from exports.replay import Replayed, replay
from exports.waiting import until_finished
from staff.commands import AuditedCommand

NOT_REPLAYED = (
    "What was emptied or deleted otherwise since that backup is back too, and the ledger doesn't know it: what was"
    " redacted in other people's messages, what was emptied of what is collected, what staff deleted. Do it again."
)


class Command(AuditedCommand):
    help = (
        "Erases again everyone whom the ledger names and who is there: a restored backup brought them back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "ledgers", nargs="*", type=Path, metavar="LEDGER", help="default: the ledger of this installation"
        )
        parser.add_argument(
            "--also-doubtful",
            action="store_true",
            help="also those whose erasure nobody confirmed: it may never have begun",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        erased: dict[str, str] = {}
        doubtful: dict[str, str] = {}
        is_whole = True
        for path in options["ledgers"] or [Path(settings.ERASURE_LEDGER)]:
            told = self._read(path)
            erased |= told.erased
            doubtful |= told.doubtful
            is_whole = is_whole and told.is_whole
        # What one server began another may have confirmed in its own file.
        doubtful = {person: earlier for person, earlier in doubtful.items() if person not in erased}
        try:
            done = replay(erased, doubtful, also_doubtful=options["also_doubtful"])
        except ledger.Unwritable as error:
            raise CommandError(f"The ledger can't be written, so not everybody was erased. {error}") from None
        if not until_finished(done.erasures):
            raise CommandError("Not all of them are finished yet: the server goes on with it.")
        self._tell(len(erased) + len(doubtful), done, is_whole=is_whole)

    def _tell(self, named: int, done: Replayed, *, is_whole: bool) -> None:
        self.stdout.write(f"{named} in the ledger, {len(done.erasures)} were back and are erased again.")
        self.stdout.write(NOT_REPLAYED)
        for person, earlier in done.doubtful:
            self.stdout.write(f"left alone: {person}, whose erasure {earlier} nobody confirmed")
        if done.held:
            raise CommandError(
                f"{done.held} are kept by a legal hold of the backup's: lift it and run this again."
            )
        if done.doubtful:
            raise CommandError(
                f"{len(done.doubtful)} may never have been erased: a crash came in between, or the disk was lost."
                " Look at each; with --also-doubtful they go."
            )
        if not is_whole:
            raise CommandError("The ledger isn't as it was written: see above.")

    def _read(self, path: Path) -> ledger.Told:
        try:
            told = ledger.read(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        for numbers, what in (
            (told.broken, "not a line of a ledger"),
            (told.forged, "not written by this installation, so it isn't used"),
            (told.gaps, "lines before this one are missing or were moved"),
        ):
            for number in numbers:
                self.stdout.write(f"{path}:{number}: {what}")
        if told.foreign:
            self.stdout.write(f"{path}: {told.foreign} lines were made with another SECRET_KEY")
        return told
