"""`manage.py apply_retention [--dry-run]`: what the schedule runs once a day, now; or what it would delete."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job
from exports import retention
from exports.models import Erasure, Reason
from exports.retention_forecast import forecast
from exports.retention_jobs import JOBS
from exports.retention_models import RetentionRule, RetentionRun, RunState
from exports.waiting import until_finished
from staff.commands import AuditedCommand

# A running server looks twice a second.
PATIENCE_SECONDS = 2.0
LOOK_SECONDS = 0.1
ERASURES_AT_ONCE = 500


class Command(AuditedCommand):
    help = "Runs every retention rule that is on. --dry-run changes nothing and says what would go."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        if not RetentionRule.objects.filter(is_on=True).exists():
            self.stdout.write("No rule is on.")
        elif options["dry_run"]:
            self._say()
        else:
            self._run()

    def _say(self) -> None:
        for rule in RetentionRule.objects.filter(is_on=True).order_by("what", "whose"):
            found = forecast(rule)
            more = "+" if found.is_partial else ""
            numbers = [f"{found.people}{more} people"] if rule.what != "audit" else []
            numbers += [f"{found.messages}{more} messages"] if rule.what in ("everything", "messages") else []
            numbers += [f"{found.rows}{more} rows"] if rule.what in ("visits", "activity", "audit") else []
            oldest = f", the oldest of {found.oldest:%Y-%m-%d}" if found.oldest else ""
            self.stdout.write(f"{_named(rule)}: would delete {', '.join(numbers)}{oldest}")

    def _run(self) -> None:
        jobs = retention.file_due(again=True)
        for job in jobs:
            _wait(job)
        _until_erased()
        retention.overwrite_freed()
        runs = RetentionRun.objects.filter(job__in=[job.pk for job in jobs]).select_related("rule")
        for run in runs.order_by("pk"):
            went = ", ".join(f"{name} {count}" for name, count in run.went) or "nothing"
            self.stdout.write(f"{_named(run.rule)}: {run.state}: {went}")
        if any(run.state == RunState.FAILED for run in runs):
            raise CommandError("Not every rule went through; the log says why.")


def _named(rule: RetentionRule) -> str:
    return f"{rule.what} of {rule.whose} after {rule.amount} {rule.unit}"


def _until_erased() -> None:
    """Until everybody whom a rule buried is gone, by the server's hand or by ours."""
    filed = Erasure.objects.filter(reason=Reason.RETENTION, finished_at=None).order_by("pk")
    while ids := list(filed.values_list("pk", flat=True)[:ERASURES_AT_ONCE]):
        if not until_finished(ids):
            raise CommandError("Not every erasure is finished yet: the server goes on with them.")


def _wait(job: Job) -> None:
    """Until the job has ended: in the server that takes it, else here, where nobody works on it."""
    idle_since = time.monotonic()
    while True:
        now = Job.objects.filter(pk=job.pk).first()
        if now is None or now.has_ended:
            return
        if now.leased_until is not None and now.leased_until > timezone.now():
            idle_since = time.monotonic()
        if time.monotonic() - idle_since > PATIENCE_SECONDS:
            taken = queue.claim(job.pk) or queue.take({retention.KIND})
            if taken is not None:
                queue.work(taken, JOBS)
        time.sleep(LOOK_SECONDS)
