"""The job queue: long work, done chunk after chunk, that neither a crash nor a second process loses or doubles.

A chunk and the move of the job's cursor are one transaction, under the lock of the job's row: a process that is
killed leaves either both or neither. Between chunks a lease says who works on the job; when it has run out, anybody
may go on from the cursor. Whoever lost the lease meanwhile finds another holder's name in the row and stops.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from chatadmin.lib.models import OPEN, Job, JobState

log = structlog.get_logger("chatadmin.jobs")

LEASE = dt.timedelta(seconds=10)
MOST_ATTEMPTS = 5
PROPOSED_FOR = dt.timedelta(hours=1)
ENDED_FOR = dt.timedelta(days=7)
# Of one account and kind; who proposes more has forgotten the oldest.
PROPOSALS_KEPT = 10
DETAIL_BYTES = 2_000
PAYLOAD_BYTES = 512 * 1024
# Others who want to write get as much time as the chunk took, up to this.
REST_SECONDS = 0.2
_CODE = re.compile(r"[A-Za-z0-9_=.:-]*")

# A runner of this process need not wait for its next look.
filed = threading.Event()


@dataclass(frozen=True)
class Step:
    """What a chunk did. `next` is where the following one begins (plain JSON), None where this was the last.

    `done`, `changed` and `counts` are added to the job's.
    """

    next: Any
    done: int
    changed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


def _nothing(job: Job) -> None:
    """The end of most jobs needs no more than its row."""


@dataclass(frozen=True)
class Kind:
    """How jobs of one kind are worked on: `chunk` does what follows the job's cursor, in a fraction of a second;
    `ended` is told once how the job ended. Both run in a transaction of the queue's and start none of their own that
    must be outermost; `around` is entered before that transaction, and sees it fail."""

    chunk: Callable[[Job], Step]
    ended: Callable[[Job], None] = _nothing
    around: Callable[[], AbstractContextManager[None]] = nullcontext


Kinds = Mapping[str, Kind]


def file(
    *,
    kind: str,
    account_id: int | None,
    detail: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
    total: int = 0,
    proposed: bool = False,
) -> Job:
    """Adds a job, which starts once this is committed; a `proposed` one waits for `start`, an hour at most.

    Raises ValueError where detail or payload hold anything but numbers, codes and ids, or too much.
    """
    for given, most in ((detail, DETAIL_BYTES), (payload, PAYLOAD_BYTES)):
        if not _is_plain(given or {}) or len(msgspec.json.encode(given or {})) > most:
            raise ValueError("numbers, codes and ids only, and not too many")
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            account_id=account_id,
            detail=dict(detail or {}),
            payload=dict(payload or {}),
            total=total,
            state=JobState.PROPOSED if proposed else JobState.QUEUED,
        )
        if proposed:
            earlier = Job.objects.filter(account=account_id, kind=kind, state=JobState.PROPOSED)
            forgotten = earlier.order_by("-created_at", "pk").values_list("pk", flat=True)[PROPOSALS_KEPT:]
            Job.objects.filter(pk__in=list(forgotten), state=JobState.PROPOSED).delete()
        transaction.on_commit(filed.set)
    return job


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(key) and _is_plain(value[key]) for key in value)
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return (
        value is None or isinstance(value, int) or (isinstance(value, str) and bool(_CODE.fullmatch(value)))
    )


def start(job_id: uuid.UUID) -> bool:
    """Lets a proposed job begin. False where it is none, or no longer."""
    now = timezone.now()
    proposed = Job.objects.filter(pk=job_id, state=JobState.PROPOSED)
    started = bool(proposed.update(state=JobState.QUEUED, due_at=now))
    transaction.on_commit(filed.set)
    return started


def withdraw(job_id: uuid.UUID) -> bool:
    """Forgets a proposed job. False where it is none, or no longer."""
    return bool(Job.objects.filter(pk=job_id, state=JobState.PROPOSED).delete()[0])


def request_stop(job_id: uuid.UUID) -> bool:
    """Asks for an end after the chunk that is being worked on. False where the job is not at work."""
    at_work = Job.objects.filter(pk=job_id, state__in=[JobState.QUEUED, JobState.RUNNING])
    asked = bool(at_work.update(state=JobState.STOPPING, due_at=timezone.now()))
    transaction.on_commit(filed.set)
    return asked


def claim(job_id: uuid.UUID) -> Job | None:
    """Takes one job that nobody has begun, proposed or queued, for the caller to work on; None where it isn't."""
    fresh = Job.objects.filter(
        Q(state=JobState.PROPOSED) | Q(state=JobState.QUEUED, started_at=None), pk=job_id, holder=""
    )
    return _take(fresh)


def take(kinds: Collection[str]) -> Job | None:
    """Takes the job of these kinds whose turn it is, or None: one that never ran, else the one that waited longest."""
    now = timezone.now()
    free = Job.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    waiting = free.filter(state__in=OPEN, due_at__lte=now, kind__in=kinds)
    # A look without a transaction: on SQLite even one that finds nothing would keep every writer out.
    if not waiting.exists():
        return None
    ran = Case(When(started_at=None, then=Value(0)), default=Value(1))
    return _take(waiting.order_by(ran, "due_at", "pk"))


def _take(jobs: QuerySet[Job]) -> Job | None:
    with transaction.atomic():
        job = jobs.select_for_update(skip_locked=True).first()
        if job is None:
            return None
        now = timezone.now()
        if job.holder:
            # Whoever had it died over it, and it may be what they died of.
            job.attempts += 1
            job.error = "Killed"
        if job.state != JobState.STOPPING:
            job.state = JobState.RUNNING
        job.holder, job.leased_until = secrets.token_hex(16), now + LEASE
        job.started_at = job.started_at or now
        job.save(update_fields=["state", "holder", "leased_until", "started_at", "attempts", "error"])
    return job


def work(
    job: Job, kind: Kind, *, seconds: float | None = None, stopping: threading.Event | None = None
) -> None:
    """Works on a job that was taken until it has ended, its time is up, or `stopping` is set; then lets go of it."""
    stopping = stopping or threading.Event()
    until = time.monotonic() + seconds if seconds is not None else None
    began = time.monotonic()
    while _run_chunk(job, kind):
        now = time.monotonic()
        if stopping.is_set() or (until is not None and now >= until):
            _let_go(job)
            return
        stopping.wait(min(REST_SECONDS, now - began))
        began = time.monotonic()


def _run_chunk(job: Job, kind: Kind) -> bool:
    """One chunk. True while there is more to do and it is still ours to do."""
    try:
        with kind.around(), transaction.atomic(durable=True):
            held = _held(job)
            if held is None:
                return False
            if held.state == JobState.STOPPING:
                _end(held, JobState.STOPPED, kind)
            elif held.attempts >= MOST_ATTEMPTS:
                _fail(held, kind)
            else:
                _advance(held, kind.chunk(held), kind)
    except Exception as error:
        log.error("jobs.chunk_failed", kind=job.kind, job=str(job.pk), error=type(error).__name__)
        _try_later(job, error)
        return False
    return held.is_open


def _held(job: Job) -> Job | None:
    return Job.objects.select_for_update().filter(pk=job.pk, holder=job.holder, state__in=OPEN).first()


def _advance(job: Job, step: Step, kind: Kind) -> None:
    job.cursor = step.next
    job.done += step.done
    job.changed += step.changed
    for name, count in step.counts.items():
        job.counts[name] = job.counts.get(name, 0) + count
    job.attempts, job.error = 0, ""
    if step.next is None:
        _end(job, JobState.DONE, kind)
        return
    job.leased_until = timezone.now() + LEASE
    job.save(update_fields=["cursor", "done", "changed", "counts", "attempts", "error", "leased_until"])


def _end(job: Job, state: JobState, kind: Kind) -> None:
    job.state, job.ended_at = state, timezone.now()
    job.payload, job.cursor = {}, None
    job.holder, job.leased_until = "", None
    job.save()
    kind.ended(job)


def _fail(job: Job, kind: Kind) -> None:
    try:
        with transaction.atomic():
            _end(job, JobState.FAILED, kind)
    except Exception as error:
        # What can't even be told of its end must not come back for ever.
        log.error("jobs.end_failed", kind=job.kind, job=str(job.pk), error=type(error).__name__)
        _end(job, JobState.FAILED, Kind(kind.chunk))


def _try_later(job: Job, error: Exception) -> None:
    """Notes what went wrong and lets go: 2, 8, 32, 128 seconds later it is tried again, after that it has failed."""
    with transaction.atomic():
        held = _held(job)
        if held is None:
            return
        held.attempts += 1
        held.error = type(error).__name__[:100]
        last = held.attempts >= MOST_ATTEMPTS
        held.due_at = timezone.now() + dt.timedelta(seconds=0 if last else 2 ** (2 * held.attempts - 1))
        if held.state == JobState.RUNNING:
            held.state = JobState.QUEUED
        held.holder, held.leased_until = "", None
        held.save(update_fields=["attempts", "error", "due_at", "state", "holder", "leased_until"])


def _let_go(job: Job) -> None:
    """Puts the job at the end of those that wait."""
    mine = Job.objects.filter(pk=job.pk, holder=job.holder, state__in=OPEN)
    mine.update(holder="", leased_until=None, due_at=timezone.now())


def sweep() -> int:
    """Deletes proposals that nobody started and jobs that ended a week ago. Returns how many."""
    now = timezone.now()
    forgotten = Q(state=JobState.PROPOSED, created_at__lt=now - PROPOSED_FOR)
    return Job.objects.filter(forgotten | Q(ended_at__lt=now - ENDED_FOR)).delete()[0]
