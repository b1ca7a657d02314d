"""The writer: what queued meanwhile is worked on together, in order, and everybody gets their own answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from chatadmin.lib import writer as module
from chatadmin.lib.writer import MOST, Lanes, Writer
from tests.threads import together

Outcomes = list[int | Exception]
WAIT_SECONDS = 10


class Held:
    """Work that doubles numbers; refuses odd hundreds, fails for 13, and waits at 0 until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> Outcomes:
        self.batches.append(list(items))
        if 0 in items:
            self.begun.set()
            assert self.go.wait(WAIT_SECONDS)
        if 13 in items:
            raise LookupError("ann@example.com")
        return [ValueError(item) if item % 200 == 100 else 2 * item for item in items]


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def writer(held: Held) -> Iterator[Writer[int, int]]:
    made: Writer[int, int] = Writer("test-writer", held)
    yield made
    held.go.set()
    made.stop()


def answers(writer: Writer[int, int], held: Held, numbers: Sequence[int]) -> list[int | BaseException]:
    """What comes of 0, and of `numbers`, which queue while it is worked on."""

    async def ask() -> list[int | BaseException]:
        first = asyncio.create_task(writer.ask(0))
        await asyncio.to_thread(held.begun.wait, WAIT_SECONDS)
        others = [asyncio.create_task(writer.ask(number)) for number in numbers]
        await asyncio.sleep(0)
        held.go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    return asyncio.run(ask())


def test_what_queued_meanwhile_is_one_batch(writer: Writer[int, int], held: Held):
    assert answers(writer, held, [1, 2, 3]) == [0, 2, 4, 6]
    assert held.batches == [[0], [1, 2, 3]]


def test_a_batch_has_an_end_and_the_order_stays(writer: Writer[int, int], held: Held):
    numbers = [number for number in range(1, 260) if number % 100 and number != 13]
    assert answers(writer, held, numbers) == [0, *(2 * number for number in numbers)]
    assert [len(batch) for batch in held.batches] == [1, MOST, MOST, len(numbers) - 2 * MOST]
    assert [number for batch in held.batches for number in batch] == [0, *numbers]


def test_whoever_comes_alone_is_served_alone(writer: Writer[int, int], held: Held):
    assert [writer.ask_and_wait(number) for number in (1, 2)] == [2, 4]
    assert held.batches == [[1], [2]]


def test_one_refused_is_alone_with_it(writer: Writer[int, int], held: Held):
    first, one, refused, three = answers(writer, held, [1, 100, 3])
    assert (first, one, three) == (0, 2, 6)
    assert isinstance(refused, ValueError) and refused.args == (100,)


def test_work_that_fails_fails_for_its_batch_and_the_next_goes_on(writer: Writer[int, int], held: Held):
    results = answers(writer, held, [1, 13])
    assert results[0] == 0
    assert [type(result) for result in results[1:]] == [LookupError, LookupError]
    assert writer.ask_and_wait(5) == 10


def test_threads_and_loops_share_a_batch(writer: Writer[int, int], held: Held):
    def meanwhile(ask: Callable[[], int]) -> Callable[[], int]:
        def work() -> int:
            assert held.begun.wait(WAIT_SECONDS)
            return ask()

        return work

    def let_go() -> int:
        while writer.queue.qsize() < 2:
            time.sleep(0.005)
        held.go.set()
        return -1

    works = [
        lambda: writer.ask_and_wait(0),
        meanwhile(lambda: writer.ask_and_wait(4)),
        meanwhile(lambda: asyncio.run(writer.ask(5))),
        meanwhile(let_go),
    ]
    assert together(*works) == [0, 8, 10, -1]
    assert sorted(held.batches[-1]) == [4, 5]


def test_whoever_waits_no_more_harms_nobody(writer: Writer[int, int], held: Held):
    async def give_up(number: int) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.ask(number), 0.05)

    asyncio.run(give_up(0))
    # The loop that asked is closed by now.
    held.go.set()
    assert writer.ask_and_wait(2) == 4
    assert held.batches == [[0], [2]]


def test_stopping_works_off_what_was_given(writer: Writer[int, int], held: Held):
    async def ask() -> list[int]:
        tasks = [asyncio.create_task(writer.ask(number)) for number in (0, 1, 2)]
        await asyncio.to_thread(held.begun.wait, WAIT_SECONDS)
        held.go.set()
        await asyncio.to_thread(writer.stop)
        return await asyncio.gather(*tasks)

    assert asyncio.run(ask()) == [0, 2, 4]
    assert "test-writer" not in {thread.name for thread in threading.enumerate()}
    assert writer.ask_and_wait(7) == 14
    writer.stop()
    writer.stop()


def test_a_fork_begins_with_nothing(writer: Writer[int, int], held: Held, monkeypatch: pytest.MonkeyPatch):
    writer.ask_and_wait(1)
    parent, queue = writer.thread, writer.queue
    monkeypatch.setattr(module.os, "getpid", lambda: -1)
    assert writer.ask_and_wait(2) == 4
    assert parent is not None and writer.thread is not parent
    queue.put(None)
    parent.join(WAIT_SECONDS)


def test_lanes_go_side_by_side_and_each_keeps_its_order():
    batches: list[tuple[str, list[int]]] = []
    both = threading.Event()
    busy = threading.Barrier(2, action=both.set)

    def work(items: Sequence[int]) -> list[int | Exception]:
        if not both.is_set():
            busy.wait(WAIT_SECONDS)  # neither is done before the other has begun
        batches.append((threading.current_thread().name, list(items)))
        return list(items)

    lanes: Lanes[int, int] = Lanes("test-lane", work, count=2, key=lambda item: item)

    async def ask() -> list[int]:
        return await asyncio.gather(*(lanes.ask(number) for number in range(20)))

    assert asyncio.run(ask()) == list(range(20))
    assert lanes.ask_and_wait(20) == 20
    lanes.stop()
    by_thread: dict[str, list[int]] = {}
    for name, items in batches:
        by_thread.setdefault(name, []).extend(items)
    assert by_thread == {"test-lane-0": list(range(0, 21, 2)), "test-lane-1": list(range(1, 20, 2))}
