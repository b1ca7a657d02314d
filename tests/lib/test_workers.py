"""Whose turn the jobs are: a worker's where one lives, else this process's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import redis

from chatadmin.lib import redis_store, workers
from chatadmin.lib.jobs import Schedule, Sweep
from chatadmin.lib.workers import Turn
from tests.lib.test_jobs import made, quick, wait_for

__all__ = ["made", "quick"]
T = 1_790_000_000.0


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a worker; nobody else's lease counts, and every look is a fresh one."""
    monkeypatch.setattr(workers, "GROUP", secrets.token_hex(8))
    monkeypatch.setattr(workers, "LOOK_SECONDS", 0)
    yield "w1"
    workers.store().discard(workers.GROUP)


def test_without_a_worker_they_are_ours() -> None:
    assert Turn()()


def test_a_schedule_waits_for_its_turn_and_then_does_what_is_due(made: list[Schedule]) -> None:
    turn, asked, ran = [False], [], []

    def may_work() -> bool:
        asked.append(1)
        return turn[0]

    made.append(Schedule([Sweep("rarely", 3_600, lambda: ran.append(1))], may_work))
    made[0].start()
    wait_for(lambda: len(asked) > 3)
    assert not ran
    turn[0] = True
    wait_for(lambda: ran)


if redis_store.configured():  # only there can there be a worker

    def test_while_a_worker_lives_they_are_its(worker: str) -> None:
        turn = Turn()
        assert turn()
        workers.renew(worker)
        assert not turn()
        turn.is_worker = True
        assert turn(), "a worker leaves them to nobody"

    def test_one_of_two_workers_ends(worker: str) -> None:
        workers.renew(worker)
        workers.renew("w2")
        workers.leave(worker)
        assert workers.some_live()
        workers.leave("w2")
        assert not workers.some_live()

    def test_one_that_is_killed_loses_its_lease(worker: str) -> None:
        workers.store().touch([(workers.GROUP, worker)], T)
        assert not workers.some_live()

    def test_where_nobody_can_say_they_are_ours(worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
        workers.renew(worker)
        turn = Turn()
        assert not turn()

        def away() -> bool:
            raise redis.ConnectionError

        monkeypatch.setattr(workers, "some_live", away)
        assert turn()

    def test_redis_is_asked_once_a_second_however_many_ask(
        worker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workers, "LOOK_SECONDS", 3_600)
        turn = Turn()
        assert turn()
        workers.renew(worker)
        assert turn(), "as it was a moment ago"
        monkeypatch.setattr(workers, "LOOK_SECONDS", 0)
        assert not turn()
