"""A breaker keeps everybody off what hangs, and looks by itself whether it still does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

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


def test_without_a_thread_that_looks_it_is_not_open(monkeypatch: pytest.MonkeyPatch):
    start = threading.Thread.start

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    answer = threading.Event()
    breaker = Breaker(answer.wait)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(threading.Thread, "start", none)
        breaker.trip()
    assert threading.Thread.start is start
    assert not breaker.is_open
    assert [line["event"] for line in logs] == ["breaker.no_thread"]
    breaker.trip()
    assert breaker.is_open
    answer.set()
    until(lambda: not breaker.is_open)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_asks_for_itself():
    answer = threading.Event()
    breaker = Breaker(answer.wait)
    breaker.trip()
    assert breaker.is_open
    # As if another thread had been about to open one.
    with breaker.lock:
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            is_open = breaker.is_open
            breaker.trip()
            os._exit(7 if is_open else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    answer.set()
    until(lambda: not breaker.is_open)
