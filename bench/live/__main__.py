"""All live scenes on one database, in a process of its own: `python -m bench.live SCALE OUT`.

The environment names the database, which is scratch. What came out is written to the file OUT as JSON. The exit status
is 1 where something couldn't be measured, or was lost.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import django
import uvloop

from bench.live.efforts import EFFORTS, Effort
from bench.live.tables import CORES_FOR_TWO
from bench.progress import say

# The modules of the scenes import models, and so wait for Django's set-up.
Scene = Callable[[Any, Effort], Awaitable[tuple[dict[str, Any], list[Any]]]]


def main(words: list[str]) -> int:
    """Plays them."""
    scale, out = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    effort = EFFORTS[scale]
    # The servers inherit it.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard > 0 else soft, hard))
    found: dict[str, Any] = {}
    wrong = []
    for name, title, scene, options in plan(bool(os.environ.get("REDIS_URL"))):
        say(f"  {title}")
        found[name] = play(scene, effort, **options)
        if options.get("kind") != "stock" and not found[name].get("is_right", True):
            wrong.append(f"{title}: {found[name]['proof']}")
    Path(out).write_text(json.dumps(found))
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


def plan(is_shared: bool) -> list[tuple[str, str, Scene, dict[str, Any]]]:
    """The scenes in order: name, title, what happens, and in which world; `is_shared`: several servers can be."""
    scenes = importlib.import_module("bench.live.scenes")
    crowds = importlib.import_module("bench.live.crowds")
    planned: list[tuple[str, str, Scene, dict[str, Any]]] = [
        ("messages", "as many messages as it takes", scenes.messages, {}),
        ("stock", "as many as the stock consumer takes", scenes.messages, {"kind": "stock"}),
        ("steady", "200 messages a second", scenes.steady, {}),
        ("stock_steady", "200 a second for the stock consumer", scenes.steady, {"kind": "stock"}),
        ("fanout", "one event to many pages", scenes.fanout, {}),
        ("idle", "many who say nothing", crowds.idle, {}),
        ("arrivals", "many who come at once", crowds.arrivals, {}),
        ("hostile", "those who never read, and a flood", crowds.hostile, {"limits": "default"}),
    ]
    if is_shared:
        planned.insert(5, ("fanout_over_redis", "the same over Redis", scenes.fanout, {"count": 2}))
        if (os.cpu_count() or 1) >= CORES_FOR_TWO:
            planned.insert(1, ("two", "as many as two processes take", scenes.messages, {"count": 2}))
    return planned


def play(scene: Scene, effort: Effort, *, kind: str = "ours", **options: Any) -> dict[str, Any]:
    """One scene, and the proof of what it left in the database."""
    world = importlib.import_module("bench.live.world").world
    scenes, proofs = (importlib.import_module(f"bench.live.{name}") for name in ("scenes", "proof"))
    with world(kind, **options) as here:
        found, visitors = uvloop.run(scenes.played(scene, here, effort))
    if visitors:
        found["proof"] = proofs.proof(visitors, with_counters=kind == "ours")
        found["is_right"] = proofs.is_right(found["proof"]) and not found["unanswered"]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
