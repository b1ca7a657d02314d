"""Jobs: no chunk is lost or doubled, whoever dies over it; stopping stops; what fails is tried again, not for ever."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from chatadmin.lib import queue
from chatadmin.lib.models import Job, JobState
from staff.models import Account
from tests.lib.counting import (
    AT_ONCE,
    Counting,
    Killed,
    again,
    counted,
    counting_job,
    let_the_lease_run_out,
    make_due,
)
from tests.threads import together

KINDS = ["counting"]


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "REST_SECONDS", 0)


def taken() -> Job:
    job = queue.take(KINDS)
    assert job is not None
    return job


def fail(_: Job) -> bool:
    raise ValueError("ann@example.com")


def die(_: Job) -> bool:
    raise Killed


# -- the ordinary way


@pytest.mark.django_db
def test_a_job_is_worked_on_to_its_end() -> None:
    counting = Counting()
    job = counting_job(10)
    assert (job.state, job.started_at) == (JobState.QUEUED, None)
    queue.work(taken(), counting.kind)
    job = again(job)
    assert counted() == list(range(10))
    assert (job.state, job.total, job.done, job.changed, job.counts) == (
        JobState.DONE,
        10,
        10,
        5,
        {"even": 5},
    )
    assert job.created_at <= job.started_at <= job.ended_at
    assert (job.payload, job.cursor, job.holder) == ({}, None, "")
    assert job.detail == {"of": "a"}, "what it was stays"
    assert counting.ends == ["done"]
    assert queue.take(KINDS) is None


@pytest.mark.django_db
def test_only_known_kinds_are_taken() -> None:
    counting_job()
    assert queue.take(["other"]) is None
    assert queue.take(KINDS) is not None


@pytest.mark.django_db
def test_one_who_works_on_it_is_enough() -> None:
    job = counting_job()
    first = taken()
    assert first.pk == job.pk and first.state == JobState.RUNNING
    assert queue.take(KINDS) is None
    assert queue.claim(job.pk) is None


@pytest.mark.django_db
def test_time_that_is_up_lets_others_have_a_turn() -> None:
    long, short = counting_job(10, "long"), counting_job(3, "short")
    counting = Counting()
    first = taken()
    assert first.pk == long.pk
    queue.work(first, counting.kind, seconds=0)
    assert counted("long") == [0, 1, 2]
    assert again(long).state == JobState.RUNNING
    assert taken().pk == short.pk, "one that never ran goes first"
    assert taken().pk == long.pk, "at once, for it was let go"


# -- death


@pytest.mark.django_db(transaction=True)
def test_who_dies_in_a_chunk_leaves_nothing_of_it_and_another_goes_on() -> None:
    job = counting_job(10)
    deaths = iter([False, True])
    dying = Counting(lambda job: next(deaths) and die(job))
    with pytest.raises(Killed):
        queue.work(taken(), dying.kind)
    assert counted() == [0, 1, 2]
    assert again(job).done == AT_ONCE
    assert queue.take(KINDS) is None, "the lease still runs"
    let_the_lease_run_out(job)
    second = taken()
    assert (second.attempts, second.error) == (1, "Killed")
    queue.work(second, Counting().kind)
    job = again(job)
    assert counted() == list(range(10))
    assert (job.state, job.done, job.counts) == (JobState.DONE, 10, {"even": 5})
    assert (job.attempts, job.error) == (0, ""), "it got on"


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_lease_does_no_more() -> None:
    job = counting_job(10)
    slow = taken()
    let_the_lease_run_out(job)
    quick = taken()
    queue.work(slow, Counting().kind)
    assert counted() == []
    queue.work(quick, Counting().kind, seconds=0)
    queue.work(slow, Counting().kind)
    assert counted() == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_kills_whoever_does_it_is_given_up() -> None:
    job = counting_job()
    for _ in range(queue.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            queue.work(taken(), Counting(die).kind)
        let_the_lease_run_out(job)
    counting = Counting(die)
    queue.work(taken(), counting.kind)
    assert (again(job).state, again(job).error, counted()) == (JobState.FAILED, "Killed", [])
    assert counting.ends == ["failed"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_and_double_nothing() -> None:
    jobs = [counting_job(60, of) for of in "abc"]

    def run() -> int:
        turns = 0
        while Job.objects.exclude(state=JobState.DONE).exists():
            job = queue.take(KINDS)
            if job is not None:
                queue.work(job, Counting().kind, seconds=0)
                turns += 1
        return turns

    turns = together(run, run, run)
    assert sum(turns) == 3 * 60 / AT_ONCE
    for job, of in zip(jobs, "abc", strict=True):
        assert counted(of) == list(range(60))
        assert (again(job).done, again(job).attempts) == (60, 0)


# -- stopping


@pytest.mark.django_db
def test_stopping_keeps_what_was_done_and_does_no_more() -> None:
    job = counting_job(30)
    stopping = Counting(lambda job: job.cursor == AT_ONCE and queue.request_stop(job.pk))
    # In the chunk's own transaction, as good as beside it: it is seen when the next one begins.
    queue.work(taken(), stopping.kind)
    job = again(job)
    assert counted() == list(range(2 * AT_ONCE))
    assert (job.state, job.done, job.payload) == (JobState.STOPPED, 2 * AT_ONCE, {})
    assert stopping.ends == ["stopped"]
    assert not queue.request_stop(job.pk)


@pytest.mark.django_db
def test_what_waits_is_stopped_before_it_begins() -> None:
    job = counting_job()
    assert queue.request_stop(job.pk)
    assert again(job).state == JobState.STOPPING
    queue.work(taken(), Counting().kind)
    assert (again(job).state, counted()) == (JobState.STOPPED, [])


@pytest.mark.django_db(transaction=True)
def test_what_waits_to_be_tried_again_is_stopped_at_once() -> None:
    job = counting_job()
    queue.work(taken(), Counting(fail).kind)
    assert queue.take(KINDS) is None
    queue.request_stop(job.pk)
    queue.work(taken(), Counting(fail).kind)
    assert again(job).state == JobState.STOPPED


# -- failing


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_fails_is_tried_again_later() -> None:
    job = counting_job(10)
    with capture_logs() as logs:
        queue.work(taken(), Counting(lambda job: job.cursor and fail(job)).kind)
    assert {(line["event"], line["error"]) for line in logs} == {("jobs.chunk_failed", "ValueError")}
    assert "ann@" not in str(logs)
    job = again(job)
    assert counted() == [0, 1, 2], "nothing of the one that failed"
    assert (job.state, job.error, job.attempts) == (JobState.QUEUED, "ValueError", 1)
    assert job.due_at > timezone.now()
    assert queue.take(KINDS) is None
    make_due(job)
    queue.work(taken(), Counting().kind)
    assert (again(job).state, again(job).attempts, counted()) == (JobState.DONE, 0, list(range(10)))


@pytest.mark.django_db(transaction=True)
def test_after_five_times_it_has_failed() -> None:
    job, failing = counting_job(), Counting(fail)
    waits = []
    for _ in range(queue.MOST_ATTEMPTS):
        assert again(job).is_open
        queue.work(taken(), failing.kind)
        waits.append(round((again(job).due_at - timezone.now()).total_seconds()))
        make_due(job)
    assert waits == [2, 8, 32, 128, 0]
    queue.work(taken(), failing.kind)
    job = again(job)
    assert (job.state, job.error, job.done, job.payload) == (JobState.FAILED, "ValueError", 0, {})
    assert failing.ends == ["failed"]
    assert counted() == []


@pytest.mark.django_db(transaction=True)
def test_what_can_not_be_told_of_its_end_does_not_come_back_for_ever() -> None:
    job = counting_job(1)
    kind = queue.Kind(Counting().kind.chunk, ended=fail)
    for _ in range(queue.MOST_ATTEMPTS + 1):
        queue.work(taken(), kind)
        make_due(job)
    assert again(job).state == JobState.FAILED
    assert counted() == [], "its chunks went with its end"
    assert queue.take(KINDS) is None


# -- proposals, what may be filed, what is forgotten


@pytest.mark.django_db
def test_a_proposal_waits_for_its_word(admin: Account) -> None:
    job = queue.file(
        kind="counting", account_id=admin.pk, detail={"of": "a"}, payload={"to": 2}, total=2, proposed=True
    )
    assert queue.take(KINDS) is None
    assert not queue.request_stop(job.pk)
    assert queue.start(job.pk)
    assert not queue.start(job.pk)
    assert not queue.withdraw(job.pk)
    queue.work(taken(), Counting().kind)
    assert counted() == [0, 1]
    assert not queue.start(job.pk), "nor again"


@pytest.mark.django_db
def test_a_proposal_can_be_taken_back_or_begun_by_the_one_who_asks(admin: Account) -> None:
    first, second = (queue.file(kind="counting", account_id=admin.pk, proposed=True) for _ in range(2))
    assert queue.withdraw(first.pk)
    assert not queue.start(first.pk)
    claimed = queue.claim(second.pk)
    assert claimed is not None and claimed.state == JobState.RUNNING
    assert not queue.start(second.pk)


@pytest.mark.django_db
def test_only_the_newest_proposals_are_kept(admin: Account, support: Account) -> None:
    theirs = queue.file(kind="counting", account_id=support.pk, proposed=True)
    made = [queue.file(kind="counting", account_id=admin.pk, proposed=True).pk for _ in range(12)]
    begun = queue.file(kind="counting", account_id=admin.pk)
    assert set(Job.objects.values_list("pk", flat=True)) == {theirs.pk, *made[2:], begun.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        {"name": "Ann Lee"},
        {"of": ["a@example.com"]},
        {"of": {"né": 1}},
        {"of": 1.5},
        {"of": "x" * queue.DETAIL_BYTES},
    ],
)
def test_nothing_that_may_name_somebody_is_filed(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="codes and ids only"):
        queue.file(kind="counting", account_id=None, detail=words)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_the_payload_has_an_end() -> None:
    most = queue.PAYLOAD_BYTES - len('{"ids":""}')
    assert queue.file(kind="counting", account_id=None, payload={"ids": "A" * most})
    with pytest.raises(ValueError, match="not too many"):
        queue.file(kind="counting", account_id=None, payload={"ids": "A" * (most + 1)})


@pytest.mark.django_db
def test_what_is_over_is_forgotten_in_time() -> None:
    minute = dt.timedelta(minutes=1)
    now = timezone.now()

    def made(age: dt.timedelta, **fields: Any) -> Job:
        return Job.objects.create(kind="counting", created_at=now - age, due_at=now - age, **fields)

    for state in (JobState.DONE, JobState.STOPPED, JobState.FAILED):
        made(queue.ENDED_FOR + minute, state=state, ended_at=now - queue.ENDED_FOR - minute)
    made(queue.PROPOSED_FOR + minute, state=JobState.PROPOSED)
    kept = {
        made(queue.ENDED_FOR + minute, state=JobState.DONE, ended_at=now - queue.ENDED_FOR + minute),
        made(queue.PROPOSED_FOR - minute, state=JobState.PROPOSED),
        made(queue.ENDED_FOR + minute),
    }
    assert queue.sweep() == 4
    assert set(Job.objects.all()) == kept
