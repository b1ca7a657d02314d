"""`manage.py demo`: synthetic people and messages."""

from __future__ import annotations

import datetime as dt
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from conversations.demo import AlreadyLoaded, RealPeople, load_demo
from staff.models import Account


def moment(text: str) -> dt.datetime:
    """An ISO 8601 moment, UTC where it names no zone. Raises ValueError."""
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


class Command(BaseCommand):
    help = "Loads synthetic people and messages, the same for the same seed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, default=400, help="how many people (400)")
        parser.add_argument(
            "--messages", type=int, default=9_000, help="how many messages, system lines aside (9000)"
        )
        parser.add_argument("--seed", type=int, default=1, help="another seed gives other people (1)")
        parser.add_argument("--now", type=moment, help="the moment that the year of history ends (this one)")
        parser.add_argument("--force", action="store_true", help="also where there are real people")

    def handle(self, *args: Any, **options: Any) -> None:
        staff = list(Account.objects.filter(is_active=True).order_by("pk"))
        began = time.monotonic()
        try:
            loaded = load_demo(
                users=options["users"],
                messages=options["messages"],
                seed=options["seed"],
                now=options["now"],
                staff=staff,
                force=options["force"],
            )
        except RealPeople:
            raise CommandError(
                "This database holds people whom no demo made. To put demo people beside them, give --force."
            ) from None
        except AlreadyLoaded:
            raise CommandError(
                f"The demo of seed {options['seed']} is here already: give another --seed."
            ) from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{loaded.people:,} people, {loaded.conversations:,} conversations, {loaded.messages:,} messages,"
            f" {loaded.visits:,} visits, {loaded.events:,} events in {seconds:.1f} s"
        )
