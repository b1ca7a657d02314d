"""A retention rule's run as a job of the queue: chunk after chunk, for as long as the rule is on."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction
from django.utils import timezone

from chatadmin.lib.models import Job, JobState
from chatadmin.lib.queue import Kind, Step
from exports.retention import overwrite_freed
from exports.retention_models import RetentionRule, RetentionRun, RunState, What
from exports.retention_work import WORK
from exports.tombstones import withdrawing
from staff import audit

log = structlog.get_logger("chatadmin.exports")


def _chunk(job: Job) -> Step:
    """Under the lock of the rule's row: once somebody has switched it off, nothing goes any more."""
    rule = RetentionRule.objects.select_for_update().filter(pk=job.detail["rule"], is_on=True).first()
    if rule is None:
        return Step(None, done=0, counts={"off": 1})
    before = dt.datetime.fromtimestamp(job.detail["before"], dt.UTC)
    step = WORK[rule.what](job, rule, before)
    # An erasure has its own bytes overwritten.
    if step.changed and rule.freed_at is None and rule.what != What.EVERYTHING:
        rule.freed_at = timezone.now()
        rule.save(update_fields=["freed_at"])
    return step


def _ended(job: Job) -> None:
    """Notes on the run, in the audit log and in the log how it ended; then the freed bytes are overwritten."""
    counts = dict(job.counts)
    off = counts.pop("off", 0)
    state = RunState.STOPPED if off else RunState.DONE
    if job.state != JobState.DONE:
        state = RunState.STOPPED if job.state == JobState.STOPPED else RunState.FAILED
    RetentionRun.objects.filter(job=job.pk).update(state=state, counts=counts, ended_at=timezone.now())
    about = {name: job.detail[name] for name in ("rule", "what", "whose") if name in job.detail}
    detail = {**about, "state": state.value, "counts": counts}
    audit.record(actor=None, verb="retention.ran", detail=detail)
    log.info("retention.ran", **detail)
    transaction.on_commit(overwrite_freed)


JOBS = Kind(_chunk, _ended, around=withdrawing)
