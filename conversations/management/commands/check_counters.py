"""`manage.py check_counters`: proves that counters, dates and search forms agree with the rows."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand

from conversations.counters import wrong


class Command(BaseCommand):
    help = "Exit status 0 where every counter agrees with the rows it counts; 1 and what doesn't."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=100, help="how many to list at most (100)")

    def handle(self, *args: Any, **options: Any) -> None:
        limit = max(1, options["limit"])
        found = list(islice(wrong(), limit + 1))
        for item in found[:limit]:
            self.stdout.write(f"{item.person}  {item.column}: kept {item.kept}, counted {item.counted}")
        if not found:
            self.stdout.write("Every counter agrees with the rows it counts.")
            return
        more = f"{limit} and more" if len(found) > limit else str(len(found))
        self.stdout.write(f"{more} wrong.")
        sys.exit(1)
