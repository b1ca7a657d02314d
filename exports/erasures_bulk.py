"""Erasing many people at once: counted, typed, started; a chunk buries some of them, each with an erasure of their own.

Exactly those are erased who were counted. Who is under a hold when it is their turn is left alone and counted.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, Sum

from chatadmin.lib import queue
from chatadmin.lib.models import OPEN, Job, JobState
from chatadmin.lib.packing import pack, part
from chatadmin.lib.queue import Kind, Step
from conversations.models import Conversation
from exports import approvals
from exports.models import Approval, Erasure, Reason
from exports.tombstones import Asked, bury, settle, withdrawing
from staff import audit
from staff.models import Account
from staff.policy import erasure_needs_second
from users.models import ChatUser

KIND = "erase_many"
MOST_PEOPLE = 100_000
CHUNK_PEOPLE, ASKED_PEOPLE = 100, 25
COUNTED_TOGETHER = 5_000


def _chunk(job: Job) -> Step:
    """Buries the next of the job's people. Skips who is gone (`gone`) and who is held (`held`)."""
    asks = job.detail["ask"]
    here = part(job.payload["people"], job.cursor, min(CHUNK_PEOPLE, ASKED_PEOPLE) if asks else CHUNK_PEOPLE)
    # In id order: two that lock some of the same people would else wait for each other.
    rows = ChatUser.objects.select_for_update().filter(pk__in=here.ids, erased_at=None).order_by("pk")
    people = list(rows)
    free = [person for person in people if person.held_at is None]
    asked = Asked(job.account, job.detail["reason"], job.detail["ticket"], batch=job.pk, together=True)
    counts = {"gone": len(here.ids) - len(people), "held": len(people) - len(free)}
    if asks:
        rows_asked = [approvals.ask(person, asked) for person in free]
        counts["asked"] = sum(row.batch != job.pk for row in rows_asked)
    else:
        _bury(free, asked)
    return Step(here.next, done=len(here.ids), changed=len(free) - counts.get("asked", 0), counts=counts)


def _bury(people: list[ChatUser], asked: Asked) -> None:
    rows = bury(people, asked)
    transaction.on_commit(functools.partial(settle, people, rows), robust=True)


def _ended(job: Job) -> None:
    detail = {"reason": job.detail["reason"], "ticket": job.detail["ticket"]}
    numbers = {"people": job.total, "erased": job.changed, **job.counts}
    audit.record(
        actor=job.account,
        verb="users.erased",
        detail={**detail, **numbers, "job": str(job.pk), "state": str(job.state)},
    )


def _approve_chunk(job: Job) -> Step:
    """Buries the next people whose erasures wait, for the approver. Of who is gone the request is closed; who is held
    stays as they are."""
    if job.account is None:  # nobody is there who approves
        return Step(None, done=0)
    rows = Erasure.objects.filter(batch=uuid.UUID(job.detail["batch"]), approval=Approval.WAITING)
    if job.cursor is not None:
        rows = rows.filter(person_pk__gt=job.cursor)
    rows = rows.filter(person_pk__isnull=False).order_by("person_pk")
    ids = [pk for pk in rows.values_list("person_pk", flat=True)[:CHUNK_PEOPLE] if pk is not None]
    people = list(ChatUser.objects.select_for_update().filter(pk__in=ids, erased_at=None).order_by("pk"))
    approvals.close_gone(rows.filter(person_pk__in=set(ids) - {person.pk for person in people}))
    free = [person for person in people if person.held_at is None]
    _bury(free, Asked(None, Reason.OTHER, second=job.account, together=True))
    return Step(ids[-1] if ids else None, done=len(ids), changed=len(free))


JOBS = Kind(_chunk, _ended, around=withdrawing)
APPROVE_KIND, APPROVE_JOBS = "approve_many", Kind(_approve_chunk, around=withdrawing)


def approve(*, job_id: uuid.UUID, actor: Account) -> None:
    """Has the queue bury everyone whose erasure was asked for by that job and waits. Raises approvals.SameAdmin."""
    waiting = Erasure.objects.filter(batch=job_id, approval=Approval.WAITING)
    if waiting.filter(actor=actor).exists():
        raise approvals.SameAdmin
    total = waiting.count()
    if total:
        queue.file(kind=APPROVE_KIND, account_id=actor.pk, detail={"batch": str(job_id)}, total=total)


def propose(*, ids: Sequence[int], actor: Account) -> Job:
    """Freezes who would be erased and counts what goes with them. Erases nobody.

    Raises ValueError for nobody or more than MOST_PEOPLE.
    """
    if not 0 < len(ids) <= MOST_PEOPLE:
        raise ValueError("people")
    return queue.file(
        kind=KIND,
        account_id=actor.pk,
        detail={**_counted(ids), "reason": "", "ticket": "", "ask": 0},
        payload={"people": pack(ids)},
        total=len(ids),
        proposed=True,
    )


def _counted(ids: Sequence[int]) -> dict[str, int]:
    counts = {"messages": 0, "visits": 0, "held": 0, "conversations": 0, "asked": 0}
    for some in _parts(ids):
        sums = ChatUser.objects.filter(pk__in=some).aggregate(
            messages=Sum("message_count"),
            visits=Sum("visit_count"),
            held=Count("pk", filter=Q(held_at__isnull=False)),
        )
        for name, value in sums.items():
            counts[name] += value or 0
        counts["conversations"] += Conversation.objects.filter(chat_user__in=some).count()
        counts["asked"] += Erasure.objects.filter(approval=Approval.WAITING, person_pk__in=some).count()
    return counts


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), COUNTED_TOGETHER):
        yield ids[at : at + COUNTED_TOGETHER]


def start(*, job_id: uuid.UUID, actor: Account, reason: str, ticket: str = "") -> bool:
    """Lets the queue erase those who were proposed, for `actor`. False where that has been started already.

    Raises ValueError for another reason or ticket.
    """
    asked = Asked(actor, reason, ticket)
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, kind=KIND, state=JobState.PROPOSED).first()
        if job is None:
            return False
        # 1: a second admin is needed, so that each only waits.
        needed = int(erasure_needs_second())
        job.detail |= {"reason": asked.reason, "ticket": asked.ticket, "ask": needed}
        job.account = actor
        job.save(update_fields=["detail", "account"])
        return queue.start(job.pk)


def stop(*, job_id: uuid.UUID) -> None:
    """Ends it after the chunk that it is in: who was buried is erased, the others stay. Forgets a mere proposal."""
    if not queue.withdraw(job_id):
        queue.request_stop(job_id)


@dataclass(frozen=True)
class Batch:
    """A job as its page shows it. `finished`: how many of its people are erased whole; `buried`: how many are on no page
    any more; `waiting`: how many wait for a second admin, `waiting_held` of them under a hold; `refused`: how many were
    refused; `overtaken`: how many went another way while they waited; `approving`: somebody approved, it is at work."""

    job: Job
    finished: int
    waiting: int
    buried: int
    refused: int
    overtaken: int
    waiting_held: int = 0
    approving: bool = False

    @property
    def is_proposed(self) -> bool:
        """Whether nobody has said yet that it shall be done."""
        return self.job.state == JobState.PROPOSED

    @property
    def is_open(self) -> bool:
        """Whether there is anything left to do without anybody's word."""
        return self.job.is_open or self.approving or self.finished < self.buried

    @property
    def can_approve(self) -> int:
        """How many go if a second admin approves now; 0 while it is being asked for or done already."""
        return 0 if self.job.is_open or self.approving else self.waiting - self.waiting_held

    @property
    def state(self) -> str:
        """The job's state; `asking` while its requests are filed, `asked` where they wait for a second admin,
        `erasing` where all are buried or approved and not all erased, `nobody` where nobody went."""
        if self.job.is_open:
            return (
                "asking"
                if self.job.detail["ask"] and self.job.state != JobState.STOPPING
                else str(self.job.state)
            )
        if self.is_open and self.job.has_ended:
            return "erasing"
        if self.waiting:
            return "asked"
        ended_well = self.job.state == JobState.DONE
        return "nobody" if ended_well and not self.buried else str(self.job.state)

    @property
    def word(self) -> str:
        """What is to be typed before it begins."""
        return f"DELETE-{self.job.total}"

    @property
    def held(self) -> int:
        """How many a hold keeps: as counted at first, then as met."""
        met = int(self.job.counts.get("held", 0)) + self.waiting_held
        return int(self.job.detail["held"]) if self.is_proposed else met

    @property
    def gone(self) -> int:
        """How many were gone before it was their turn."""
        return int(self.job.counts.get("gone", 0)) + self.overtaken

    @property
    def asked_alone(self) -> int:
        """Of how many the deletion was asked for already, on their own: as counted at first, then as met."""
        counts = self.job.detail if self.is_proposed else self.job.counts
        return int(counts.get("asked", 0))

    @property
    def expected(self) -> int:
        """How many people this job erases: those who were counted, without who turned out to be left alone."""
        return self.job.total - self.held - self.gone - self.asked_alone - self.refused


def batch_of(job_id: uuid.UUID) -> Batch:
    """The job. Raises Job.DoesNotExist."""
    job = Job.objects.get(pk=job_id, kind=KIND)
    rows = Erasure.objects.filter(batch=job.pk)
    counts = rows.aggregate(
        finished=Count("pk", filter=Q(finished_at__isnull=False)),
        waiting=Count("pk", filter=Q(approval=Approval.WAITING)),
        buried=Count("pk", filter=Q(approval__in=[Approval.NONE, Approval.APPROVED])),
        refused=Count("pk", filter=Q(approval=Approval.REFUSED) & ~Q(second_name="")),
        overtaken=Count("pk", filter=Q(approval=Approval.REFUSED, second_name="")),
    )
    if not counts["waiting"]:
        return Batch(job, **counts)
    waiting = rows.filter(approval=Approval.WAITING).values("person_pk")
    held = ChatUser.objects.filter(pk__in=waiting, held_at__isnull=False).count()
    approving = Job.objects.filter(kind=APPROVE_KIND, state__in=OPEN, detail__batch=str(job.pk)).exists()
    return Batch(job, **counts, waiting_held=held, approving=approving)
