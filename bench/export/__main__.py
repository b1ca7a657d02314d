"""All of the export's measures on one database: `python -m bench.export SCALE OUT`.

The environment names the database, which is scratch. What came out is written to the file OUT as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from bench.export.sizes import EFFORTS, EXPORTERS, FORMS
from bench.places import ROOT
from bench.progress import say


def main(words: list[str]) -> None:
    """Makes people, exports them."""
    scale, out = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    people = importlib.import_module("bench.export.people")
    effort = EFFORTS[scale]
    known = {}
    for messages in (effort.short, effort.long):
        say(f"  somebody with {messages:,} messages")
        known[messages] = people.make_person(messages)
    found = {"inside": _inside(known, effort.runs), "served": _served(known, effort.runs)}
    Path(out).write_text(json.dumps(found))


def _inside(known: dict[int, str], runs: int) -> list[dict[str, Any]]:
    """Ours and the library's, in turns, each time in a new process."""
    found = []
    for messages, person in known.items():
        for form in FORMS:
            say(f"  {messages:,} messages as {form}, ours and stock")
            each: dict[str, list[dict[str, float]]] = {name: [] for name in EXPORTERS}
            for _ in range(runs):
                for name in EXPORTERS:
                    each[name].append(_exported(name, form, person))
            row: dict[str, Any] = {"messages": messages, "form": form}
            found.append(row | {name: _median(took) for name, took in each.items()})
    return found


def _exported(name: str, form: str, person: str) -> dict[str, float]:
    words = [sys.executable, "-m", "bench.export.inside", name, form, person]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _served(known: dict[int, str], runs: int) -> list[dict[str, Any]]:
    serving, served = importlib.import_module("bench.serving"), importlib.import_module("bench.export.served")
    found = []
    with serving.serving("bench.live.server") as server:
        cookies = serving.cookies(server.url)
        # What every first answer makes is not an export's.
        served.downloaded(server, cookies, next(iter(known.values())), "json")
        for messages, person in known.items():
            for form in FORMS:
                say(f"  {messages:,} messages as {form} through the server")
                took = [served.downloaded(server, cookies, person, form) for _ in range(runs)]
                found.append({"messages": messages, "form": form, **_median(took)})
    return found


def _median(took: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in took) for name in took[0]}


if __name__ == "__main__":
    main(sys.argv[1:])
