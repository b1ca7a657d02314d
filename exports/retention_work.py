"""The chunks of a retention sweep. Each is bounded, under the locks of the people it is about, and leaves the held alone.

What has gone is no longer due, so a sweep that was killed goes on by asking again what is.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

import structlog
from django.db import transaction

from chatadmin.lib.models import Job
from chatadmin.lib.paging import Cursor, beyond
from chatadmin.lib.queue import Step
from conversations.forgetting import forget_events, forget_messages, forget_visits
from exports import ledger, retention_due
from exports.models import Reason
from exports.retention_models import RetentionRule, What
from exports.tombstones import Asked, bury, settle, withdrawing
from staff import audit_cut
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

PEOPLE = 20
BURIED = 100
ROWS = 1_000
MOST_STUCK = 100


def everything(job: Job, rule: RetentionRule, before: dt.datetime) -> Step:
    """Buries some of the people who are due, each with an erasure of their own; whoever works on erasures does the rest.

    Who can't be buried is left for the next day. Raises ledger.Unwritable: then nobody can.
    """
    stuck: list[int] = job.cursor or []
    ids = _next(rule.whose, before, stuck)
    people = _locked(retention_due.inactive(rule.whose, before), ids)
    failed = _bury(people)
    counts = {
        "people": len(people) - len(failed),
        "messages": sum(person.message_count for person in people if person.pk not in failed),
    }
    stuck = [*stuck, *failed]
    following = stuck if ids and len(stuck) <= MOST_STUCK else None
    if following is None:
        counts["left"] = len(stuck)
    return Step(following, done=counts["people"], changed=counts["people"], counts=counts)


def _next(whose: str, before: dt.datetime, stuck: Collection[int]) -> list[int]:
    for walk in retention_due.inactive_walks(whose, before):
        found = list(walk.exclude(pk__in=stuck).values_list("pk", flat=True)[:BURIED])
        if found:
            return found
    return []


def _bury(people: Sequence[ChatUser]) -> list[int]:
    """Together; where that fails by halves, for it may be one of them. Returns the numbers of those who can't be."""
    if not people:
        return []
    try:
        # Whatever fails here must leave the chunk's own transaction usable.
        with withdrawing(), transaction.atomic():
            rows = bury(people, Asked(None, Reason.RETENTION, together=True))
    except ledger.Unwritable:
        raise
    except Exception as error:
        if len(people) == 1:
            log.error("retention.not_erased", error=type(error).__name__)
            return [people[0].pk]
        half = len(people) // 2
        return [*_bury(people[:half]), *_bury(people[half:])]
    transaction.on_commit(functools.partial(settle, people, rows), robust=True)
    return []


def messages(job: Job, rule: RetentionRule, before: dt.datetime) -> Step:
    """Deletes up to ROWS messages, of the people whose messages are oldest."""
    due = retention_due.talkers_walk(rule.whose, before)
    ids = list(due.values_list("pk", flat=True)[:PEOPLE])
    people = _locked(retention_due.talkers(rule.whose, before), ids)
    counts = {"people": 0, "messages": 0, "conversations": 0}
    for person in people:
        if counts["messages"] >= ROWS:
            break
        went = forget_messages(person, before=before, most=ROWS - counts["messages"])
        counts["people"] += person.first_contact is None or person.first_contact >= before
        counts["messages"] += went.messages
        counts["conversations"] += went.conversations
    return Step("more" if ids else None, done=counts["messages"], changed=counts["messages"], counts=counts)


def aged(job: Job, rule: RetentionRule, before: dt.datetime) -> Step:
    """Deletes what is due among the next ROWS visits or entries of the timeline, oldest first."""
    column = retention_due.BY_AGE[rule.what][1]
    rows = retention_due.aged(rule.what, before)
    if job.cursor:
        at = dt.datetime.fromisoformat(job.cursor["at"])
        rows = rows.filter(beyond(column, Cursor(at, job.cursor["id"]), descending=False))
    found = list(rows.values_list("pk", "chat_user", column)[:ROWS])
    if not found:
        return Step(None, done=0)
    people = _locked(
        ChatUser.objects.filter(retention_due.free(rule.whose)), {owner for _, owner, _ in found}
    )
    forget = forget_visits if rule.what == What.VISITS else forget_events
    went = forget(people, [pk for pk, _, _ in found])
    pk, _, at = found[-1]
    return Step({"at": at.isoformat(), "id": pk}, done=went, changed=went, counts={rule.what: went})


def audit_log(job: Job, rule: RetentionRule, before: dt.datetime) -> Step:
    """Has the beginning of the audit log cut off once this chunk is committed; the next one counts what went.

    The log is one chain, so it is cut whole: lines about the held too, which say nothing of them but that staff were there.
    """
    old = retention_due.audit_lines(before).count()
    if job.cursor is None and old:
        transaction.on_commit(lambda: _cut(before))
        return Step({"old": old}, done=0)
    gone = (job.cursor or {"old": 0})["old"] - old
    return Step(None, done=max(0, gone), changed=max(0, gone), counts={"audit": max(0, gone)})


def _cut(before: dt.datetime) -> None:
    try:
        audit_cut.cut(before)
    except Exception as error:
        log.error("retention.audit_not_cut", error=type(error).__name__)


def _locked(people: Any, ids: Collection[int]) -> list[ChatUser]:
    # In id order, as everybody locks people; asked again under the lock, for a hold may have come in between.
    return list(people.filter(pk__in=ids).select_for_update().order_by("pk"))


WORK: dict[str, Callable[[Job, RetentionRule, dt.datetime], Step]] = {
    What.EVERYTHING: everything,
    What.MESSAGES: messages,
    What.VISITS: aged,
    What.ACTIVITY: aged,
    What.AUDIT: audit_log,
}
