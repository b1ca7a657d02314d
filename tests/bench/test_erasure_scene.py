"""bench/erasure/: the scene against the real server, which tells of its transactions."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from bench.erasure.__main__ import files, left
from bench.erasure.canaries import found_in, plant, words
from bench.erasure.scene import erased
from bench.erasure.sizes import EFFORTS
from bench.erasure.timing import told
from bench.export.people import make_person
from bench.live.proof import is_right, proof
from bench.live.scenes import Outcome, played
from bench.live.world import World
from bench.serving import EMAIL
from conversations.models import Message
from exports.models import Erasure
from staff.models import Account
from tests.factories import make_widget
from tests.server import Server
from users.models import ChatUser

EFFORT = replace(EFFORTS["small"], seconds=0.5)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "told"


@pytest.fixture
def world(server_process: Server, log: Path, transactional_db: None, admin: Account) -> Iterator[World]:
    """The one server that other tests share stands aside."""
    server_process.stop()
    Account.objects.filter(pk=admin.pk).update(email=EMAIL)
    words = [sys.executable, "-m", "bench.erasure.server"]
    server = Server(words, LIMITS="bench", BENCH_TOLD=str(log)).start()
    assert server.process is not None
    widget = make_widget(allowed_origins=["self"])
    yield World([server.url], [server.process.pid], widget.key, "")
    server.stop()


def test_people_are_erased_beside_visitors_and_all_of_it_is_told(world: World, log: Path) -> None:
    people = {"short": make_person(60), "long": make_person(2_500)}
    planted = words(3)
    plant(ChatUser.objects.get(uuid=people["long"]), planted)
    before = found_in(files(), planted)
    assert {word for held in before.values() for word in held} == set(planted if files() else ())

    async def scene(world: World, effort: object) -> Outcome:
        return await erased(world, EFFORT, people, log)

    found, visitors = asyncio.run(played(scene, world, EFFORT))
    assert (found["unanswered"], found["refused"], found["closed"]) == (0, 0, 0)
    assert is_right(proof(visitors))
    assert {name: found[name]["counts"]["messages"] for name in people} == {"short": 60, "long": 2_500}
    assert Message.objects.count() == sum(len(visitor.acknowledged) for visitor in visitors)
    one = found["long"]
    assert one["ack_before"]["count"] and one["ack"]["count"] and one["ack_most"] > 0
    assert one["memory"]["before"] > 10 and one["seconds"] > 0
    assert {"overwrite", "look"} <= one["parts"].keys()
    kinds = {kind["what"] for kind in one["transactions"]["kinds"]}
    expected = {"erasure._bury", "erasure._remove_chunk", "erasure._remove_person", "concluding._conclude"}
    assert {f"exports.{name}" for name in expected} <= kinds
    assert any("wal_checkpoint" in kind for kind in kinds) == (connection.vendor == "sqlite")
    assert not any(held for held in found_in(files(), planted).values())
    assert left(people) == {}
    Erasure.objects.filter(checked__isnull=False).update(checked={"redis": 3, "logs": None})
    ChatUser.objects.create(uuid=people["short"])
    assert left(people) == {"people": 1, "redis": 6, "logs": 2}


def test_only_what_ended_in_time_is_taken(log: Path) -> None:
    line = '{"at": %s, "seconds": 0.1, "busy": 0.1, "what": "x", "of_erasing": true, "is_part": false}\n'
    assert told(log, 0, 9) == []
    log.write_text("".join(line % at for at in (1.0, 2.0, 3.0)))
    assert [timed.at for timed in told(log, 1.5, 3.0)] == [2.0, 3.0]
