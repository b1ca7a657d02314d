"""A breaker keeps everybody off what hangs, and looks by itself whether it still does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from chatadmin.lib import breaker as module
from chatadmin.lib.breaker import Breaker


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_it_is_open_until_there_is_an_answer_and_one_thread_looks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    answer = threading.Event()
    looks: list[str] = []

    def answers() -> bool:
        looks.append(threading.current_thread().name)
        return answer.is_set()

    breaker = Breaker(answers)
    assert not breaker.is_open
    assert looks == []
    for _ in range(3):
        breaker.trip()
    until(lambda: len(looks) > 3)
    assert breaker.is_open
    assert sum(thread.name == "chatadmin-breaker" for thread in threading.enumerate()) == 1
    answer.set()
    until(lambda: not breaker.is_open)
    done = len(looks)
    time.sleep(0.05)
    assert len(looks) == done
    answer.clear()
    breaker.trip()
    until(lambda: len(looks) > done)
    assert breaker.is_open
    answer.set()
    until(lambda: not breaker.is_open)
