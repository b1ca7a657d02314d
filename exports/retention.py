"""Retention rules and their runs: a rule is made off, looked at with its forecast, switched on; then it runs once a day."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job
from exports import overwriting, periods
from exports.retention_models import RetentionRule, RetentionRun, RunState, What
from staff import audit
from staff.models import Account
from staff.policy import WaitsForSecond, erasure_needs_second

KIND = "retention"
RUNS_KEPT = dt.timedelta(days=400)


class Doubled(Exception):
    """There is a rule for these people and these data already."""


class IsOn(Exception):
    """The rule is switched on."""


def add_rule(*, whose: str, what: str, amount: int, unit: str, actor: Account) -> RetentionRule:
    """Makes a rule, switched off. The values are those of the model, which a form has checked. Raises Doubled."""
    try:
        with transaction.atomic():
            rule = RetentionRule.objects.create(whose=whose, what=what, amount=amount, unit=unit)
            _record(actor, "retention.added", rule)
    except IntegrityError:
        raise Doubled from None
    return rule


def switch_rule(*, rule_id: int, on: bool, actor: Account) -> bool:
    """Switches a rule on or off; a run that is at work stops before its next chunk. Returns whether that changed it.

    Where erasing somebody needs a second admin, so does switching on what erases people: the first only asks, and
    WaitsForSecond is raised. Raises RetentionRule.DoesNotExist.
    """
    with transaction.atomic():
        rule = RetentionRule.objects.select_for_update().get(pk=rule_id)
        waits = on and not rule.is_on and _waits(rule, actor)
        if waits:
            _ask(rule, actor)
        elif rule.is_on != on or rule.asked_by_id is not None:
            rule.is_on, rule.switched_at, rule.asked_by = on, timezone.now(), None
            rule.save(update_fields=["is_on", "switched_at", "asked_by"])
            _record(actor, "retention.switched_on" if on else "retention.switched_off", rule)
        else:
            return False
    if waits:
        raise WaitsForSecond
    return True


def _waits(rule: RetentionRule, actor: Account) -> bool:
    is_asked = rule.asked_by_id is not None and rule.asked_by_id != actor.pk
    return rule.what == What.EVERYTHING and not is_asked and erasure_needs_second()


def _ask(rule: RetentionRule, actor: Account) -> None:
    if rule.asked_by_id is None:
        rule.asked_by = actor
        rule.save(update_fields=["asked_by"])
        _record(actor, "retention.asked", rule)


def remove_rule(*, rule_id: int, actor: Account) -> None:
    """Removes a rule that is off, and the list of its runs; the audit log keeps its lines.

    Raises IsOn, RetentionRule.DoesNotExist.
    """
    with transaction.atomic():
        rule = RetentionRule.objects.select_for_update().get(pk=rule_id)
        if rule.is_on:
            raise IsOn
        _record(actor, "retention.removed", rule)
        if rule.freed_at is not None:
            transaction.on_commit(overwriting.overwrite)
        rule.delete()


def _record(actor: Account, verb: str, rule: RetentionRule) -> None:
    detail = {"rule": rule.pk, "whose": rule.whose, "what": rule.what, "keeps": f"{rule.amount} {rule.unit}"}
    audit.record(actor=actor, verb=verb, detail=detail)


def file_due(*, again: bool = False) -> list[Job]:
    """Files a job for each rule that is on and hasn't run today (`again`: also those that have). Returns the jobs.

    Besides: overwrites what earlier runs freed, forgets runs of long ago. Cheap where there is nothing to do.
    """
    _close_lost_runs()
    today, jobs = periods.today(), []
    for rule in RetentionRule.objects.filter(is_on=True).order_by("pk"):
        job = _filed(rule.pk, today, again)
        if job is not None:
            jobs.append(job)
    RetentionRun.objects.filter(ended_at__lt=timezone.now() - RUNS_KEPT).delete()
    overwrite_freed()
    return jobs


def _filed(rule_id: int, today: dt.date, again: bool) -> Job | None:
    with transaction.atomic():
        rule = RetentionRule.objects.select_for_update().filter(pk=rule_id, is_on=True).first()
        if rule is None:
            return None
        last = rule.runs.order_by("-started_at").first()
        if last is not None and last.ended_at is None:
            return Job.objects.filter(pk=last.job).first() if again else None
        ran = last is not None and last.day >= today and last.started_at >= rule.switched_at
        if ran and not again:
            return None
        before = periods.cutoff(rule.amount, rule.unit, today)
        detail = {"rule": rule.pk, "what": rule.what, "whose": rule.whose, "before": int(before.timestamp())}
        job = queue.file(kind=KIND, account_id=None, detail=detail)
        RetentionRun.objects.create(rule=rule, job=job.pk, day=today, before=before)
    return job


def _close_lost_runs() -> None:
    """A run whose job nobody knows any more must not keep the rule from running for ever."""
    for run in RetentionRun.objects.filter(ended_at=None):
        if not Job.objects.filter(pk=run.job).exists():
            RetentionRun.objects.filter(pk=run.pk).update(state=RunState.FAILED, ended_at=timezone.now())


def overwrite_freed() -> bool:
    """Overwrites the bytes of what runs deleted, once none is at work. Returns whether nothing waits any more."""
    freed = RetentionRule.objects.filter(freed_at__isnull=False)
    if not freed.exists():
        return True
    if RetentionRun.objects.filter(ended_at=None).exists():
        return False
    began = timezone.now()
    if not overwriting.overwrite():
        return False
    freed.filter(freed_at__lte=began).update(freed_at=None)
    return True
