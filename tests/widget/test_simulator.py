"""Simulated visitors: they come, write, read and go through the public socket, and end when they are told to."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from conversations.demo.speech import languages
from tests.widget.stub import Stub
from widget import simulator
from widget.client import Place
from widget.simulator import Crowd, simulate

ROOT = Path(__file__).resolve().parent.parent.parent
# Every pause of the simulator, shortened.
UNIT = 0.002


def run(
    stub: Stub, until: Callable[[], bool], *, count: int = 4, state: Path | None = None, seed: int = 1
) -> None:
    """Runs the simulator against the stub until something is so."""

    async def main() -> None:
        stop = asyncio.Event()
        async with stub.running() as place:
            running = asyncio.create_task(
                simulate(place, count=count, state=state, stop=stop, rng=random.Random(seed), unit=UNIT)
            )
            async with asyncio.timeout(30):
                while not until():
                    assert not running.done()
                    await asyncio.sleep(0.01)
            stop.set()
            await running
            async with asyncio.timeout(10):
                while stub.open_sockets:
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_they_do_what_visitors_do() -> None:
    stub = Stub()
    kinds = stub.kinds

    def all_seen() -> bool:
        seen = kinds()
        return seen["message"] >= 40 and all(
            seen[kind] for kind in ("hello", "page", "typing", "read", "identify")
        )

    run(stub, all_seen)
    first = stub.frames[0]
    assert first["type"] == "hello"
    assert (first["v"], first["after"], first["token"]) == (1, 0, None)
    assert set(first["page"]) == {"url", "title", "referrer"}
    events = Counter(frame["event"] for frame in stub.frames if frame["type"] == "widget")
    assert events["opened"] >= events["closed"] > 0
    typing = [frame["on"] for frame in stub.frames if frame["type"] == "typing"]
    assert True in typing
    assert False in typing
    for header in stub.headers:
        assert header["Origin"].startswith("http://127.0.0.1:")
        assert header["User-Agent"] in simulator.AGENTS
    assert len({header["User-Agent"] for header in stub.headers}) > 1


def test_what_they_write_comes_from_the_demos_talks() -> None:
    stub = Stub()
    run(stub, lambda: stub.kinds()["message"] >= 30)
    openings = [
        language_talk[0].text.split("{")[0] for item in languages().values() for language_talk in item.talks
    ]
    bodies = [frame["body"] for frame in stub.frames if frame["type"] == "message"]
    assert any(body.startswith(opening) for body in bodies for opening in openings if len(opening) > 8)
    assert not any("{" in body for body in bodies)
    keys = [frame["client_id"] for frame in stub.frames if frame["type"] == "message"]
    assert len(set(keys)) == len(keys)
    assert all(uuid.UUID(key) for key in keys)


def test_they_read_what_they_are_answered() -> None:
    stub = Stub()
    run(stub, lambda: stub.kinds()["read"] >= 5)
    assert all(0 < frame["up_to"] <= stub.last_id for frame in stub.frames if frame["type"] == "read")


def test_what_they_say_of_themselves_is_made_up() -> None:
    stub = Stub()
    run(stub, lambda: stub.kinds()["identify"] >= 3)
    for frame in stub.frames:
        if frame["type"] == "identify":
            assert frame.get("name") or frame.get("email")
            assert frame.get("email", "x.example").endswith(".example")


def test_the_same_people_come_back_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "simulated.json"
    first = Stub()
    run(first, lambda: len(first.tokens) >= 12, state=state)
    known = {person["token"] for person in json.loads(state.read_text())["people"]} - {None}
    assert known
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    second = Stub()
    run(second, lambda: len(second.tokens) >= 40, state=state, seed=2)
    came_back = [token for token in second.tokens if token is not None]
    assert set(came_back) & known
    assert second.tokens.count(None) <= simulator.PEOPLE - len(known), "who was here comes with their token"


def test_there_are_thirty_of_them_at_most() -> None:
    stub = Stub()
    run(stub, lambda: len(stub.tokens) >= 60, count=100)
    assert stub.tokens.count(None) <= simulator.PEOPLE


@pytest.mark.parametrize("text", ["", "{", "[]", '{"people": [{"x": 1}]}', '{"people": 7}'])
def test_a_state_that_cannot_be_read_is_begun_anew(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state"
    state.write_text(text)
    crowd = Crowd(random.Random(1), state)
    assert len(crowd.everyone) == simulator.PEOPLE
    crowd.save()
    assert Crowd(random.Random(2), state).everyone == crowd.everyone


def test_a_lost_connection_loses_and_doubles_nothing() -> None:
    """The server breaks the connection instead of acknowledging; the same message comes again, by the same key."""
    cut: list[str] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message" and len(cut) < 3 and frame["client_id"] not in cut:
            cut.append(frame["client_id"])
            socket.transport.abort()
        else:
            await Stub.answered(stub, socket, frame)

    stub = Stub(answer)
    run(stub, lambda: stub.kinds()["message"] >= 20)
    keys = Counter(frame["client_id"] for frame in stub.frames if frame["type"] == "message")
    assert [keys[key] for key in cut] == [2, 2, 2]
    assert set(keys.values()) == {1, 2}


def test_a_ping_is_answered() -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        await Stub.answered(stub, socket, frame)
        if frame["type"] == "hello":
            await stub.tell(socket, "ping")

    stub = Stub(answer)
    run(stub, lambda: stub.kinds()["pong"] >= 3)
    assert stub.kinds()["pong"] <= stub.kinds()["hello"]


def test_too_fast_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widget.client.TOO_FAST_SECONDS", 0.05)
    refused: list[str] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message" and not refused:
            refused.append(frame["client_id"])
            await stub.tell(socket, "error", code="too_fast", detail="", client_id=frame["client_id"])
        else:
            await Stub.answered(stub, socket, frame)

    stub = Stub(answer)

    def sent() -> list[str]:
        return [frame["client_id"] for frame in stub.frames if frame["type"] == "message"]

    run(stub, lambda: bool(refused) and sent().count(refused[0]) >= 2)
    assert sent().count(refused[0]) == 2


def test_the_erased_come_back_as_strangers(tmp_path: Path) -> None:
    forgotten: list[str] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "hello" and frame["token"] is not None and not forgotten:
            forgotten.append(frame["token"])
            await stub.tell(socket, "forget")
            await socket.close(1000)
        else:
            await Stub.answered(stub, socket, frame)

    stub = Stub(answer)
    run(stub, lambda: bool(forgotten) and len(stub.tokens) >= 30, state=tmp_path / "state")
    assert forgotten[0] not in stub.tokens
    assert forgotten[0] not in (tmp_path / "state").read_text()


def test_who_is_blocked_stays_away() -> None:
    blocked: list[str] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if (
            frame["type"] == "hello"
            and frame["token"] is not None
            and frame["token"] in (blocked or [frame["token"]])
        ):
            blocked[:] = [frame["token"]]
            await socket.close(4403)
        else:
            await Stub.answered(stub, socket, frame)

    stub = Stub(answer)
    run(stub, lambda: bool(blocked) and len(stub.tokens) >= 40)
    hellos = [frame["token"] for frame in stub.frames if frame["type"] == "hello"]
    assert hellos.count(blocked[0]) == 1


def command(place: Place) -> list[str]:
    return ["manage.py", "simulate_visitors", "--url", place.url, "--key", "k", "--count", "3"]


def start(place: Place, state: Path, **options: Any) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-W", "error", *command(place), "--state", str(state)]
    return subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), **options)


def ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(timeout=20)


def against_a_stub(what: Callable[[Place, Stub], None]) -> Stub:
    """Runs `what` in a thread beside a stub, so that real processes can talk to it."""
    stub = Stub()

    async def main() -> None:
        async with stub.running() as place:
            await asyncio.to_thread(what, place, stub)

    asyncio.run(main())
    return stub


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    def what(place: Place, stub: Stub) -> None:
        process = start(place, tmp_path / "state", stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        wait_for(lambda: bool(stub.tokens))
        process.send_signal(number)
        assert ended(process) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()

    stub = against_a_stub(what)
    assert set(stub.close_codes) == {1000}
    assert json.loads((tmp_path / "state").read_text())["people"]


def test_it_ends_with_the_pipe_that_it_was_given(tmp_path: Path) -> None:
    def what(place: Place, stub: Stub) -> None:
        process = start(place, tmp_path / "state", stdin=subprocess.PIPE)
        wait_for(lambda: bool(stub.tokens))
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert ended(process) == 0

    against_a_stub(what)


def test_it_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    """The middle process starts the simulator with nothing to hold on to, and is killed without a word."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )

    def what(place: Place, stub: Stub) -> None:
        words = [sys.executable, "-c", script, sys.executable, *command(place)]
        parent = subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE)
        assert parent.stdout is not None
        int(parent.stdout.readline())
        wait_for(lambda: bool(stub.tokens))
        parent.kill()
        parent.wait()
        parent.stdout.close()
        wait_for(lambda: stub.open_sockets == 0)

    stub = against_a_stub(what)
    assert set(stub.close_codes) == {1000}
