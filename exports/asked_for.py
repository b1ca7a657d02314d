"""What waits for a second admin, and what people wait for: as the list of erasures and the navigation show it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils import timezone

from chatadmin.lib.models import Job
from exports.approvals import people_of
from exports.erasures_bulk import KIND
from exports.models import Approval, Erasure, Reason
from exports.requests import due_days
from staff.models import Account
from users.models import ChatUser

SHOWN = 20
COUNTED = 99


@dataclass(frozen=True)
class AskedAlone:
    """One person's deletion that waits. `person`: None where they went another way meanwhile."""

    row: Erasure
    person: ChatUser | None


@dataclass(frozen=True)
class AskedTogether:
    """The deletion of many that waits: how `many` still do, since when, who asked and why."""

    job: uuid.UUID
    many: int
    since: dt.datetime
    by: str
    reason: str
    ticket: str


@dataclass(frozen=True)
class Counts:
    """`erasures` that wait for a second admin; requests that are `open`, and `overdue` of them: each up to 99, then
    COUNTED + 1 stands for more."""

    erasures: int = 0
    open: int = 0
    overdue: int = 0


def asked_together() -> Sequence[AskedTogether]:
    """The SHOWN oldest deletions of many that wait. Two queries."""
    waiting = Erasure.objects.filter(approval=Approval.WAITING, batch__isnull=False).values("batch")
    found = waiting.annotate(many=Count("pk"), since=Min("started_at")).order_by("since")[:SHOWN]
    by_job = {one["batch"]: one for one in found if one["batch"] is not None}
    jobs = Job.objects.filter(pk__in=by_job, kind=KIND).select_related("account")
    shown = [
        AskedTogether(
            job.pk,
            by_job[job.pk]["many"],
            by_job[job.pk]["since"],
            job.account.display_name if job.account else "",
            str(Reason(job.detail["reason"]).label),
            job.detail["ticket"],
        )
        for job in jobs
    ]
    return sorted(shown, key=lambda one: one.since)


def asked_alone(together: Sequence[AskedTogether]) -> Sequence[AskedAlone]:
    """The SHOWN oldest that wait beside those. Two queries."""
    waiting = Erasure.objects.filter(approval=Approval.WAITING)
    rows = list(waiting.exclude(batch__in=[one.job for one in together]).order_by("started_at")[:SHOWN])
    people = people_of(rows)
    return [AskedAlone(row, people.get(row.pk)) for row in rows]


def counts_for(account: Account) -> Counts:
    """What there is to do for an account: a bounded query each for what it may decide, none for what it may not."""
    erasures, due = 0, list[dt.datetime]()
    if account.can("users.erase"):
        waiting = Erasure.objects.filter(approval=Approval.WAITING)
        erasures = waiting.values("pk")[: COUNTED + 1].count()
    if account.can("requests.manage"):
        due = due_days(COUNTED + 1)
    now = timezone.now()
    return Counts(erasures, len(due), sum(day < now for day in due))
