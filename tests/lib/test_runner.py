"""The thread that works on jobs: soon, in turns, and past whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from unittest import mock

import pytest
from structlog.testing import capture_logs

from chatadmin.lib import queue, runner
from chatadmin.lib.models import Job, JobState
from chatadmin.lib.runner import Runner
from tests.lib.counting import Counting, again, counted, counting_job
from tests.lib.test_jobs import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made() -> Iterator[list[Runner]]:
    runners: list[Runner] = []
    yield runners
    for one in runners:
        one.stop()


def begin(made: list[Runner], counting: Counting | None = None) -> Runner:
    made.append(Runner({"counting": (counting or Counting()).kind}))
    made[-1].start()
    return made[-1]


def is_done(job: Job) -> bool:
    return again(job).state == JobState.DONE


def test_a_job_begins_within_a_second_though_nobody_told_the_runner(made: list[Runner]) -> None:
    begin(made)
    time.sleep(0.1)
    with mock.patch.object(queue, "filed", threading.Event()):  # as from another process
        job = counting_job(3)
    wait_for(lambda: is_done(job))
    assert (again(job).started_at - job.created_at).total_seconds() < 1


def test_one_filed_in_this_process_begins_at_once(
    made: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOOK_SECONDS", 3_600)
    begin(made)
    time.sleep(0.1)
    job = counting_job(3)
    wait_for(lambda: is_done(job))


def test_a_short_job_does_not_wait_for_a_long_one(
    made: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TURN_SECONDS", 0.02)
    begin(made, Counting(lambda job: time.sleep(0.01)))
    long = counting_job(3_000, "long")
    wait_for(lambda: again(long).done)
    short = counting_job(3, "short")
    wait_for(lambda: is_done(short))
    assert (again(short).started_at - short.created_at).total_seconds() < 1
    assert again(long).is_open and again(long).done < long.total


def test_two_runners_share_a_job_without_doubling(
    made: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TURN_SECONDS", 0)
    monkeypatch.setattr(queue, "REST_SECONDS", 0)
    workers: set[str] = set()
    counting = Counting(lambda job: workers.add(threading.current_thread().name))
    first, second = begin(made, counting), begin(made, counting)
    for number, one in enumerate((first, second)):
        assert one.thread is not None
        one.thread.name = str(number)
    job = counting_job(90)
    wait_for(lambda: is_done(job))
    assert counted() == list(range(90))
    assert again(job).done == 90
    assert workers <= {"0", "1"}


def test_stopping_lets_another_go_on_at_once(made: list[Runner]) -> None:
    first = begin(made, Counting(lambda job: time.sleep(0.01)))
    job = counting_job(300)
    wait_for(lambda: again(job).done)
    first.stop()
    assert again(job).is_open and again(job).holder == ""
    done = again(job).done
    begin(made)
    wait_for(lambda: is_done(job))
    assert 0 < done < 300
    assert counted() == list(range(300))


def test_what_goes_wrong_ends_nothing(made: list[Runner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.01)
    take, broken = queue.take, threading.Event()

    def sometimes(kinds: object) -> Job | None:
        if not broken.is_set():
            broken.set()
            raise OSError("ann@example.com")
        return take(["counting"])

    monkeypatch.setattr(queue, "take", sometimes)
    with capture_logs() as logs:
        begin(made)
        wait_for(broken.is_set)
        job = counting_job(3)
        wait_for(lambda: is_done(job))
    assert {(line["event"], line["error"]) for line in logs} == {("jobs.runner_failed", "OSError")}


def test_starting_again_starts_no_second_thread(made: list[Runner]) -> None:
    one = begin(made)
    first = one.thread
    one.start()
    assert one.thread is first and first is not None and first.daemon
    one.stop()
    assert not first.is_alive()
