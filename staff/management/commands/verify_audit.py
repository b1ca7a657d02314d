"""`manage.py verify_audit [--seals FILE]`: proves that nobody changed the audit log."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatadmin.lib.signatures import NoKey
from staff.audit_doubts import waiting
from staff.audit_proof import Finding, chain_end, checkpoint, findings, taken_over
from staff.audit_seals import Seal, disagreements, seals_in


class Command(BaseCommand):
    help = "Exit status 0 where the audit log is whole; 1 and each line that was changed, moved, put in or is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seals",
            type=Path,
            metavar="FILE",
            help="the server's log, whose seals must agree with the chain",
        )
        parser.add_argument("--limit", type=int, default=100, help="how many to list at most (100)")

    def handle(self, *args: Any, **options: Any) -> None:
        limit, log = max(1, options["limit"]), options["seals"]
        seals = _Counted()
        try:
            found = list(islice(chain(findings(), _against(log, seals) if log else ()), limit + 1))
        except NoKey as error:
            raise CommandError(str(error)) from None
        for item in found[:limit]:
            self.stdout.write(str(item))
        if found:
            more = f"{limit} and more" if len(found) > limit else str(len(found))
            self.stdout.write(f"Not whole: {more} found.")
            sys.exit(1)
        if log and not seals.number:
            raise CommandError(f"{log}: there is no seal in it, so it proves nothing.")
        self.stdout.write(_whole(seals.number))


class _Counted:
    """Counts the seals that pass."""

    number = 0

    def __call__(self, seals: Iterable[Seal]) -> Iterator[Seal]:
        for seal in seals:
            self.number += 1
            yield seal


def _against(log: Path, counted: _Counted) -> Iterator[Finding]:
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            yield from disagreements(counted(seals_in(lines)))
    except OSError as error:
        raise CommandError(f"{log}: {error.strerror}") from None


def _whole(seals: int) -> str:
    end, cut = chain_end(), checkpoint()
    begins = cut.position + 1 if cut else 1
    parts = [f"Whole: lines {begins} to {end.position}, seal {end.seals}, head {end.head}; {_unsealed()}."]
    if taken := taken_over():
        parts.append(f"Lines up to {taken.position} are older than the marks of who recorded them.")
    if seals:
        parts.append(f"Seals of the log that agree: {seals}.")
    return " ".join(parts)


def _unsealed() -> str:
    found = waiting()
    long = f", {found.long} of them for more than a minute: does a server run?" if found.long else ""
    ahead = f", {found.ahead} of them of a time to come" if found.ahead else ""
    return f"{found.lines} not sealed yet{ahead}{long}"
