"""The chunks of a retention sweep. Each is bounded, under the locks of the people it is about, and leaves the held alone.

What has gone is no longer due, so a sweep that was killed goes on by asking again what is.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection
from typing import Any

import structlog
from django.db import transaction

from chatadmin.lib.models import Job
from chatadmin.lib.paging import Cursor, beyond
from chatadmin.lib.queue import Step
from conversations.forgetting import forget_events, forget_messages, forget_visits
from exports import erasure, retention_due
from exports.models import Reason
from exports.retention_models import RetentionRule, What
from staff import audit_cut
from users.models import ChatUser

log = structlog.get_logger("chatadmin.exports")

PEOPLE = 20
ROWS = 1_000
TRIES = 3
MOST_STUCK = 100


def everything(job: Job, rule: RetentionRule, before: dt.datetime) -> Step:
    """Files an erasure of their own for some of the people who are due, once this chunk is committed.

    The next chunk counts those who are gone. Whoever isn't is tried twice more, then left for the next day.
    """
    cursor = job.cursor or {"asked": [], "tries": 0, "stuck": []}
    asked, stuck = cursor["asked"], cursor["stuck"]
    ids = [pk for pk, _ in asked]
    living = set(ChatUser.objects.filter(pk__in=ids, erased_at=None).values_list("pk", flat=True))
    gone = [said for pk, said in asked if pk not in living]
    counts = {"people": len(gone), "messages": sum(gone)}
    left = retention_due.inactive(rule.whose, before).filter(pk__in=living)
    found = list(left.order_by("pk").values_list("pk", "uuid", "message_count"))
    tries = cursor["tries"] + 1
    if not found or tries > TRIES:
        stuck, tries = [*stuck, *(pk for pk, _, _ in found)], 1
        found = _next(rule.whose, before, stuck)
    if not found or len(stuck) > MOST_STUCK:
        return Step(None, done=len(gone), changed=len(gone), counts={**counts, "left": len(stuck)})
    transaction.on_commit(lambda: _bury([person for _, person, _ in found], rule, before))
    following = {"asked": [[pk, said] for pk, _, said in found], "tries": tries, "stuck": stuck}
    return Step(following, done=len(gone), changed=len(gone), counts=counts)


def _next(whose: str, before: dt.datetime, stuck: Collection[int]) -> list[tuple[int, uuid.UUID, int]]:
    for walk in retention_due.inactive_walks(whose, before):
        found = list(walk.exclude(pk__in=stuck).values_list("pk", "uuid", "message_count")[:PEOPLE])
        if found:
            return found
    return []


def _bury(people: Collection[uuid.UUID], rule: RetentionRule, before: dt.datetime) -> None:
    """Buries those who are still due, while the rule is on; whoever works on erasures does the rest, many at a time."""
    for person in people:
        still = retention_due.inactive(rule.whose, before).filter(uuid=person).exists()
        if not still or not RetentionRule.objects.filter(pk=rule.pk, is_on=True).exists():
            continue
        try:
            erasure.file(chat_user_uuid=person, actor=None, reason=Reason.RETENTION)
        except (erasure.Held, ChatUser.DoesNotExist):
            continue
        except Exception as error:
            log.error("retention.not_erased", rule=rule.pk, error=type(error).__name__)


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
