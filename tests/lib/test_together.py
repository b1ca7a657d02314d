"""Work for many at once: who asks while it is busy is in the next batch, and everybody gets their own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from chatadmin.lib import together as module
from chatadmin.lib.together import Together

WAIT_SECONDS = 10


class Held:
    """Doubles numbers; refuses 7, fails for 13, and waits at 0 until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        if 0 in items:
            self.begun.set()
            assert self.go.wait(WAIT_SECONDS)
        if 13 in items:
            raise LookupError
        return [ValueError() if item == 7 else 2 * item for item in items]


def answers(held: Held, *numbers: int) -> list[object]:
    """What comes of 0, and of `numbers`, which come while it is worked on; types of what was raised."""
    gathered: Together[int, int] = Together(held)

    async def ask() -> list[int | BaseException]:
        first = asyncio.create_task(gathered.ask(0))
        await asyncio.to_thread(held.begun.wait, WAIT_SECONDS)
        others = [asyncio.create_task(gathered.ask(number)) for number in numbers]
        await asyncio.sleep(0)
        held.go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    return [type(one) if isinstance(one, BaseException) else one for one in asyncio.run(ask())]


def test_who_comes_meanwhile_is_in_the_next_batch():
    held = Held()
    assert answers(held, 3, 1, 2) == [0, 6, 2, 4]
    assert held.batches == [[0], [3, 1, 2]]


def test_a_batch_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST", 2)
    held = Held()
    assert answers(held, 1, 2, 3) == [0, 2, 4, 6]
    assert held.batches == [[0], [1, 2], [3]]


def test_one_refused_is_alone_with_it_and_work_that_fails_fails_for_its_batch(
    monkeypatch: pytest.MonkeyPatch,
):
    assert answers(Held(), 7, 1) == [0, ValueError, 2]
    monkeypatch.setattr(module, "MOST", 2)
    assert answers(Held(), 13, 1, 2) == [0, LookupError, LookupError, 4]


def test_whoever_waits_no_more_harms_nobody():
    held = Held()
    gathered: Together[int, int] = Together(held)

    async def ask() -> int:
        tasks = [asyncio.create_task(gathered.ask(number)) for number in (0, 1)]
        await asyncio.to_thread(held.begun.wait, WAIT_SECONDS)
        for task in tasks:
            task.cancel()
        held.go.set()
        return await gathered.ask(2)

    assert asyncio.run(ask()) == 4
    assert held.batches[0] == [0, 1]


def test_each_event_loop_has_its_own():
    held = Held()
    held.go.set()
    gathered: Together[int, int] = Together(held)
    assert [asyncio.run(gathered.ask(number)) for number in (1, 2)] == [2, 4]
    assert len(gathered.serving) == 1
