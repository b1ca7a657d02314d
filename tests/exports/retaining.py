"""What tests of retention are made of: rules, old people, a run of everything that is due."""

from __future__ import annotations

import datetime as dt
from typing import Any

from chatadmin.lib import queue
from conversations.counters import wrong
from conversations.models import ActivityEvent, EventKind
from exports import periods, retention
from exports.erasure import resume_unfinished
from exports.retention_jobs import JOBS
from exports.retention_models import RetentionRule, RetentionRun
from staff.models import Account
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser


def ago(days: float) -> dt.datetime:
    """Noon so many days before today."""
    return periods.start_of(periods.today()) - dt.timedelta(days=days) + dt.timedelta(hours=12)


def make_rule(
    what: str, actor: Account, *, whose: str = "everyone", days: int = 90, on: bool = True
) -> RetentionRule:
    """A rule of so many days."""
    rule = retention.add_rule(whose=whose, what=what, amount=days, unit="days", actor=actor)
    if on:
        retention.switch_rule(rule_id=rule.pk, on=True, actor=actor)
    rule.refresh_from_db()
    return rule


def make_talker(name: str = "", *days: float, **fields: Any) -> ChatUser:
    """A person with a message, a visit and an entry of the timeline each of these days ago; active on the last."""
    fields.setdefault("last_active", ago(min(days)) + dt.timedelta(minutes=5))
    person = make_person(name, first_seen=ago(max(days)), **fields)
    for day in sorted(days, reverse=True):
        make_messages(
            person, ("visitor", f"said {day} days ago"), ("staff", f"answered {day}"), start=ago(day)
        )
        end = ago(day) + dt.timedelta(minutes=5)
        visit = make_visit(person, started_at=ago(day), ended_at=end, how_ended="left", browser="Firefox")
        ActivityEvent.objects.create(chat_user=person, visit=visit, kind=EventKind.PAGE, at=ago(day))
    person.browser = "Firefox"
    person.save()
    person.conversations.update(turn="visitor")
    return person


def sweep() -> list[RetentionRun]:
    """Runs what is due to its end. Returns the runs, and proves that every counter is as right after them as before."""
    before = {(found.person, found.column) for found in wrong()}
    jobs = retention.file_due()
    work_off()
    assert [found for found in wrong() if (found.person, found.column) not in before] == []
    return list(RetentionRun.objects.filter(job__in=[job.pk for job in jobs]).order_by("pk"))


def work_off(chunks: int | None = None) -> None:
    """Works on the queue until nothing is left, erasures among it, or for so many chunks."""
    while (job := queue.take({retention.KIND})) is not None:
        if chunks is None:
            queue.work(job, JOBS)
            continue
        for _ in range(chunks):
            queue._run_chunk(job, JOBS)
        return
    while ChatUser.objects.filter(erased_at__isnull=False).exists():
        resume_unfinished()
