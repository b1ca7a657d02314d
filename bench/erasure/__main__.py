"""An erasure on one database, in a process of its own: `python -m bench.erasure SCALE OUT`.

The environment names the database, which is scratch. What came out is written to the file OUT as JSON. The exit status
is 1 where something of the erased is left, or something of the others was lost.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
import uvloop
from django.core.management import call_command
from django.db import connection

from bench.erasure.sizes import EFFORTS, WARM_MESSAGES, Effort
from bench.progress import say

SEED = 11


def main(words: list[str]) -> int:
    """Makes people, erases them beside visitors, looks at what is left."""
    scale, out = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    effort = EFFORTS[scale]
    canaries = importlib.import_module("bench.erasure.canaries")
    planted = canaries.words(SEED)
    people = make_people(effort, planted)
    before = canaries.found_in(files(), planted)
    found = play(effort, people)
    found["left"] = left(people)
    if files():
        after = canaries.found_in(files(), planted)
        found["canaries"] = {"planted": len(planted), "before": before, "after": after}
    Path(out).write_text(json.dumps(found))
    wrong = problems(found)
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


def make_people(effort: Effort, canaries: list[str]) -> dict[str, str]:
    """Somebody who stays, and who is to be erased: uuids by name, the first of whom only warms the server."""
    people, recount = (
        importlib.import_module(name) for name in ("bench.export.people", "exports.importing.recount")
    )
    plant = importlib.import_module("bench.erasure.canaries").plant
    lengths = {
        "staying": effort.staying,
        "warm": WARM_MESSAGES,
        "short": effort.short,
        "long": effort.long,
    }
    made = {}
    with importlib.import_module("bench.indexes").resting():
        for name, messages in lengths.items():
            say(f"  somebody with {messages:,} messages")
            made[name] = people.make_uncounted(messages)
    for person in made.values():
        recount.recount(person.pk)
        person.refresh_from_db()
    plant(made["long"], canaries)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    del made["staying"]
    return {name: str(person.uuid) for name, person in made.items()}


def play(effort: Effort, people: dict[str, str]) -> dict[str, Any]:
    """The scene, and the proof that the visitors lost nothing."""
    world, scene = (importlib.import_module(f"bench.{name}") for name in ("live.world", "erasure.scene"))
    scenes, proofs = (importlib.import_module(f"bench.live.{name}") for name in ("scenes", "proof"))
    say("  visitors write, and they are erased")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "told"
        os.environ["BENCH_TOLD"] = str(log)
        with world.world("erasing") as here:
            found, visitors = uvloop.run(
                scenes.played(lambda world, effort: scene.erased(world, effort, people, log), here, effort)
            )
    found["proof"] = proofs.proof(visitors)
    found["is_right"] = proofs.is_right(found["proof"]) and not found["unanswered"]
    return dict(found)


def files() -> list[Path]:
    """SQLite's files: the database and its log."""
    if connection.vendor != "sqlite":
        return []
    name = str(connection.settings_dict["NAME"])
    return [Path(name), Path(f"{name}-wal")]


def left(people: dict[str, str]) -> dict[str, int]:
    """Of everything that the receipts say was found, what isn't nothing; and people who are still there."""
    models, users = importlib.import_module("exports.models"), importlib.import_module("users.models")
    found = {"people": users.ChatUser.objects.filter(uuid__in=people.values()).count()}
    for erasure in models.Erasure.objects.all():
        for place, count in (erasure.checked or {"receipt": 1}).items():
            found[place] = found.get(place, 0) + (1 if count is None else count)
    connection.close()
    return {place: count for place, count in found.items() if count}


def problems(found: dict[str, Any]) -> list[str]:
    """What is wrong with what was found, apart from any time."""
    wrong = [f"left: {place}: {count}" for place, count in found["left"].items()]
    if not found["is_right"]:
        wrong.append(f"messages were lost or miscounted: {found['proof']}")
    if canaries := found.get("canaries"):
        planted = {word for words in canaries["before"].values() for word in words}
        if len(planted) < canaries["planted"]:
            wrong.append(f"only {len(planted)} of {canaries['planted']} words were in the files beforehand")
        wrong += [
            f"{len(words)} words are left in {file}" for file, words in canaries["after"].items() if words
        ]
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
