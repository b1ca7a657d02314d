"""A piece of the benchmark's work on one database, in a process of its own: `python -m bench.child ENGINE SCALE EFFORT
OUT WORK…`.

The environment names the database. What came out is written to the file OUT as JSON, under the name of each work.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import django

from bench.places import EFFORTS, place
from bench.progress import say

MEASURING = {
    "http": "message search through the server",
    "search": "message search",
    "filters": "message search with filters",
    "people": "the list",
    "admin": "Django's admin",
    "ilike": "a trigram index",
    "room": "the index's room",
    "inserts": "writing into a copy",
}


def main(words: list[str]) -> None:
    """Does it."""
    engine, scale, effort, out, *names = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    works = importlib.import_module("bench.works").WORKS
    where, found = place(engine, scale), {}
    for name in names:
        if name in MEASURING:
            say(f"{where.title}: {MEASURING[name]}")
        found[name] = works[name](where, EFFORTS[effort])
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
