"""Reads of bulk jobs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property

from chatadmin.lib.models import Job, JobState
from search.bulk import KIND, Action
from staff.models import Account
from users.models import Tag


@dataclass(frozen=True)
class Bulk:
    """A job as its page shows it."""

    job: Job

    @property
    def action(self) -> Action:
        """What is done."""
        return Action(self.job.detail["action"])

    @cached_property
    def tag_name(self) -> str:
        """The tag's name, also of one on its way out; "" where there is none (yet, or any more)."""
        tag = self.job.detail["tag"]
        return Tag.everything.filter(pk=tag).values_list("name", flat=True).first() or "" if tag else ""

    @property
    def needs_tag(self) -> bool:
        """Whether its tag is still to be made."""
        return self.action.of_tags and self.job.detail["tag"] is None

    @property
    def is_proposed(self) -> bool:
        """Whether nobody has said yet that it shall be done."""
        return self.job.state == JobState.PROPOSED

    @property
    def already(self) -> int:
        """For how many nothing would change, when it was proposed."""
        return int(self.job.detail["already"])

    def count(self, name: str) -> int:
        """How many were passed over: `gone`, `full` or `no_tag`."""
        return int(self.job.counts.get(name, 0))

    @property
    def unchanged(self) -> int:
        """How many it had been done to before."""
        return self.job.done - self.job.changed - sum(self.job.counts.values())


def bulk_of(job_id: uuid.UUID, account: Account) -> Bulk:
    """The job, for the account that filed it and for those who may manage jobs. Raises Job.DoesNotExist."""
    job = Job.objects.get(pk=job_id, kind=KIND)
    if job.account_id != account.pk and not account.can("jobs.manage"):
        raise Job.DoesNotExist
    return Bulk(job)
