"""`manage.py verify_receipt FILE`: exit status 0 where the receipt is genuine; 1 and what isn't."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatadmin.lib import signatures
from exports import receipts


class Command(BaseCommand):
    help = "Says whether a receipt of an erasure was made by this installation and is unchanged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with open(options["file"], "rb") as file:
                raw = file.read(receipts.MOST_BYTES + 1)
            found = receipts.problems(raw)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        except signatures.NoKey as error:
            raise CommandError(f"There is no key to check it with. {error}") from None
        if not found:
            self.stdout.write("Genuine: made by this installation, and unchanged.")
            return
        for problem in found:
            self.stdout.write(problem)
        sys.exit(1)
