"""SIGTERM: what runs beside the sockets is asked to end all at once, and the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatadmin import jobs
from chatadmin.lib import bus
from chatadmin.lib import jobs as module
from chatadmin.lib.jobs import Schedule, Sweep


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Schedule]]:
    """All of them, each in the middle of something for as long as the test lasts."""
    monkeypatch.setattr(module, "TICK_SECONDS", 0.005)
    monkeypatch.setattr(module, "close_old_connections", lambda: None)
    monkeypatch.setattr(jobs, "STOP_SECONDS", 0.5)
    ends, made = threading.Event(), []
    for name in ("MAILS", "SCHEDULE", "RUNNER", "EXPORTS"):
        begun = threading.Event()

        def work(begun: threading.Event = begun) -> None:
            begun.set()
            ends.wait(20)

        made.append(Schedule([Sweep(name, 3_600, work)]))
        monkeypatch.setattr(jobs, name, made[-1])
        made[-1].start()
        assert begun.wait(5)
    yield made
    ends.set()
    for one in made:
        one.join()


def test_all_are_asked_first_and_waited_for_together(
    stuck: list[Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Writer:
        def stop(self) -> None:
            asked.extend(one.stopping.is_set() for one in stuck)

    monkeypatch.setattr(jobs, "WRITER", Writer())
    began = time.monotonic()
    jobs.stop()
    assert 0.4 < time.monotonic() - began < 0.9
    assert asked == [True] * 4


def test_the_event_loop_goes_on_and_says_goodbye(
    stuck: list[Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: list[float] = []
    told: list[str] = []

    async def farewell() -> None:
        told.append("goodbye")

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, Any]) -> None:
        told.append(message["type"])

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.02)
            ticks.append(time.monotonic())

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        await jobs.lifespan({}, receive, send)
        ticking.cancel()

    monkeypatch.setattr(bus, "farewell", farewell)
    asyncio.run(run())
    assert told == ["goodbye", "lifespan.shutdown.complete"]
    assert len(ticks) > 10
