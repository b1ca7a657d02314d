"""The schedule: sweeps run when they are due, a failing one ends nothing, and stopping stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import jobs
from chatadmin.lib.jobs import Schedule, Sweep, is_stopping, run


def wait_for(true: Callable[[], object]) -> None:
    """Waits until that is true, for 20 s at most: the machine may be busy."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TICK_SECONDS", 0.005)
    # These sweeps touch no database, and the tests around them hold its connections.
    monkeypatch.setattr(jobs, "close_old_connections", lambda: None)


@pytest.fixture
def made() -> Iterator[list[Schedule]]:
    schedules: list[Schedule] = []
    yield schedules
    for schedule in schedules:
        schedule.stop()


def start(made: list[Schedule], *sweeps: Sweep) -> Schedule:
    schedule = Schedule(sweeps)
    made.append(schedule)
    schedule.start()
    return schedule


def test_each_runs_at_its_own_pace(made: list[Schedule]):
    ran: list[str] = []
    start(
        made,
        Sweep("often", 0.01, lambda: ran.append("often")),
        Sweep("rarely", 3_600, lambda: ran.append("rarely")),
    )
    wait_for(lambda: ran.count("often") >= 4)
    assert ran.count("rarely") == 1


def test_one_that_fails_ends_nothing_and_its_words_are_not_logged(made: list[Schedule]):
    ran: list[str] = []

    def fail() -> None:
        ran.append("fail")
        raise ValueError("ann@example.com")

    with capture_logs() as logs:
        start(made, Sweep("failing", 0.01, fail), Sweep("good", 0.01, lambda: ran.append("good")))
        wait_for(lambda: ran.count("fail") >= 2 and ran.count("good") >= 2)
        made[0].stop()
    assert {(line["event"], line["sweep"], line["error"]) for line in logs} == {
        ("jobs.failed", "failing", "ValueError")
    }


def test_starting_again_starts_no_second_thread(made: list[Schedule]):
    schedule = start(made, Sweep("nothing", 0.01, lambda: None))
    first = schedule.thread
    schedule.start()
    assert schedule.thread is first
    assert first is not None and first.daemon


def test_stopping_ends_it_and_it_can_be_started_again(made: list[Schedule]):
    ran: list[int] = []
    schedule = start(made, Sweep("counting", 0.01, lambda: ran.append(1)))
    wait_for(lambda: ran)
    schedule.stop()
    assert schedule.thread is not None and not schedule.thread.is_alive()
    before = len(ran)
    schedule.start()
    wait_for(lambda: len(ran) > before)


def test_stopping_waits_for_the_sweep_it_is_in(made: list[Schedule]):
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.05)
        done.set()

    schedule = start(made, Sweep("working", 3_600, work))
    assert begun.wait(5)
    schedule.stop()
    assert done.is_set()


def test_a_sweep_can_ask_whether_it_should_end(made: list[Schedule]):
    begun, seen = threading.Event(), []

    def work() -> None:
        seen.append(is_stopping())
        begun.set()
        while not is_stopping():
            time.sleep(0.005)
        seen.append(is_stopping())

    schedule = start(made, Sweep("working", 3_600, work))
    assert begun.wait(5)
    schedule.ask_to_stop()
    schedule.join()
    assert schedule.thread is not None and not schedule.thread.is_alive()
    assert seen == [False, True]
    assert not is_stopping(), "nobody stops this thread"


def test_stopping_what_never_ran():
    Schedule([]).stop()


def test_one_by_hand():
    ran: list[int] = []
    run(Sweep("once", 60, lambda: ran.append(1)))
    assert ran == [1]
