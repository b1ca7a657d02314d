"""`manage.py simulate_visitors`: made-up visitors for the demo, through the public socket."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from widget.client import Place
from widget.simulator import simulate

PARENT_SECONDS = 1.0


class Command(BaseCommand):
    help = "Simulated visitors who write to a running server, until they are stopped or whoever started them is gone."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is")
        parser.add_argument("--key", required=True, help="the widget's key")
        parser.add_argument("--origin", default="", help="the page's origin (the server's own)")
        parser.add_argument(
            "--count", type=int, default=12, help="how many are there at once (12, 30 at most)"
        )
        parser.add_argument(
            "--state", type=Path, help="a file that keeps who they are from one start to the next"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place(options["url"].rstrip("/"), options["key"], options["origin"])
        asyncio.run(_run(place, options["count"], options["state"]))


async def _run(place: Place, count: int, state: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _stop_with_pipe(loop, stop)
    orphaned = asyncio.create_task(_stop_with_parent(stop))
    try:
        await simulate(place, count=count, state=state, stop=stop)
    finally:
        orphaned.cancel()


def _stop_with_pipe(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Where standard input is a pipe, its end is the end: whoever held it is gone, however they went."""
    try:
        descriptor = sys.stdin.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError, AttributeError):
        return

    def look() -> None:
        if not os.read(descriptor, 1024):
            loop.remove_reader(descriptor)
            stop.set()

    if is_pipe:
        loop.add_reader(descriptor, look)


async def _stop_with_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_SECONDS)
    stop.set()
