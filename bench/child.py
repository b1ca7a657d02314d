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


def main(words: list[str]) -> None:
    """Does it."""
    engine, scale, effort, out, *names = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    works = importlib.import_module("bench.works").WORKS
    found = {name: works[name](place(engine, scale), EFFORTS[effort]) for name in names}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
