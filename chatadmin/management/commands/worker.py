"""`manage.py worker`: does the jobs in a process of its own, so that servers only serve."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from chatadmin import serve, worker


class Command(BaseCommand):
    help = "Does the jobs until it is stopped (SIGTERM, Ctrl-C). Servers leave them to it while it lives."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_SQLITE:
            raise CommandError(
                "One process serves an SQLite database, and does its jobs: a worker needs DATABASE_URL=postgres://…"
                " and REDIS_URL=redis://…."
            )
        if not settings.REDIS_URL:
            raise CommandError(
                "Without Redis one process serves this database, and does its jobs: a worker needs the same"
                " REDIS_URL=redis://… as the servers."
            )
        os.umask(0o077)
        var = Path(settings.VAR_DIR)
        try:
            var.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(
                f"{var}: {error.strerror}: set CHATADMIN_VAR to the servers' folder."
            ) from None
        try:
            with serve.sole_process(var):
                with serve.one_at_a_time(var):
                    serve.migrate()
                # This thread needs none any more.
                connections.close_all()
                asyncio.run(worker.run())
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
