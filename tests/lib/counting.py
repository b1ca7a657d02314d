"""A kind of job that leaves a trace of each number it has counted: one that it counts twice is an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job
from chatadmin.lib.queue import Kind, Step
from users.models import Tag

AT_ONCE = 3


class Killed(BaseException):
    """Ends whatever runs, and nothing catches it: what kill -9 is to a process."""


@dataclass
class Counting:
    """The kind `counting`, which calls `during` with the job in each chunk, after its writes."""

    during: Callable[[Job], object] = lambda job: None
    ends: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        return Kind(self._chunk, lambda job: self.ends.append(job.state))

    def _chunk(self, job: Job) -> Step:
        first = job.cursor or 0
        numbers = range(first, min(first + AT_ONCE, job.payload["to"]))
        for number in numbers:
            Tag.objects.create(name=str(number), name_folded=f"{job.detail['of']} {number}")
        self.during(job)
        after = numbers.stop if numbers.stop < job.payload["to"] else None
        even = len([number for number in numbers if number % 2 == 0])
        return Step(after, done=len(numbers), changed=even, counts={"even": even})


def counting_job(to: int = 10, of: str = "a") -> Job:
    """A job that counts `to` numbers."""
    return queue.file(kind="counting", account_id=None, detail={"of": of}, payload={"to": to}, total=to)


def counted(of: str = "a") -> list[int]:
    """What was counted, in order."""
    names = Tag.objects.filter(name_folded__startswith=f"{of} ").order_by("pk").values_list("name", flat=True)
    return [int(name) for name in names]


def again(job: Job) -> Job:
    """The job as it is now."""
    return Job.objects.get(pk=job.pk)


def let_the_lease_run_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - queue.LEASE)


def make_due(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
