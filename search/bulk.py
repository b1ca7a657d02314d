"""The same for many people at once: proposed, looked at in numbers, started, stopped.

A proposal holds the very people whom its page counts: who is found later, or no longer, makes no difference.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from enum import StrEnum

from django.db import transaction

from chatadmin.lib import queue
from chatadmin.lib.models import Job, JobState
from chatadmin.lib.packing import pack
from chatadmin.lib.queue import Kind
from chatadmin.lib.tokens import folded
from search.bulk_chunks import CHUNK_PEOPLE, chunk
from staff import audit
from staff.models import Account
from users.models import ChatUser, Tag, Tagging

KIND = "bulk"
MOST_PEOPLE = 100_000
# So few are done while the browser waits.
AT_ONCE = CHUNK_PEOPLE
COUNTED_TOGETHER = 5_000


class Action(StrEnum):
    """What can be done to many people."""

    TAG = "tag"
    UNTAG = "untag"
    VIP = "vip"
    UNVIP = "unvip"

    @property
    def of_tags(self) -> bool:
        """Whether it needs a tag."""
        return self in (Action.TAG, Action.UNTAG)


class TagGone(LookupError):
    """The tag was deleted between the proposal and its start."""


def _ended(job: Job) -> None:
    """One line about the whole, however it ended; those about each person are left by the chunks."""
    detail = {key: value for key, value in job.detail.items() if value is not None}
    numbers = {"people": job.total, "done": job.done, "changed": job.changed}
    audit.record(
        actor=job.account,
        verb="users.bulk",
        detail={**detail, **numbers, "job": str(job.pk), "state": str(job.state)},
    )


JOBS = Kind(chunk, _ended)


def propose(*, action: Action, tag: Tag | None, ids: Sequence[int], actor: Account) -> Job:
    """Freezes who it would be done to and counts those for whom nothing would change. Does nothing to anybody.

    `tag`: None where the action needs none, and for a new one that `start` makes. Raises ValueError for nobody or
    more than MOST_PEOPLE.
    """
    if not 0 < len(ids) <= MOST_PEOPLE:
        raise ValueError("people")
    return queue.file(
        kind=KIND,
        account_id=actor.pk,
        detail={
            "action": action.value,
            "tag": tag.pk if tag else None,
            "already": _unchanged(action, tag, ids),
        },
        payload={"people": pack(ids)},
        total=len(ids),
        proposed=True,
    )


def _unchanged(action: Action, tag: Tag | None, ids: Sequence[int]) -> int:
    having = 0
    for some in _parts(ids):
        if action.of_tags:
            having += Tagging.objects.filter(tag=tag, chat_user__in=some).count() if tag else 0
        else:
            having += ChatUser.objects.filter(pk__in=some, is_vip=True).count()
    return having if action in (Action.TAG, Action.VIP) else len(ids) - having


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), COUNTED_TOGETHER):
        yield ids[at : at + COUNTED_TOGETHER]


def start(*, job_id: uuid.UUID, new_tag: str = "") -> None:
    """Does what was proposed: before it returns for AT_ONCE people or fewer, else in the queue.

    `new_tag` is the name of the tag to put on where there was none at the time. A job that has been started is left
    alone. Raises TagGone.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, state=JobState.PROPOSED).first()
        if job is None:
            return
        _find_tag(job, new_tag)
        at_once = job.total <= AT_ONCE
        if not at_once:
            queue.start(job.pk)
    if at_once:
        taken = queue.claim(job_id)
        if taken is not None:
            queue.work(taken, JOBS)


def _find_tag(job: Job, new_tag: str) -> None:
    if not Action(job.detail["action"]).of_tags:
        return
    if job.detail["tag"] is None and new_tag:
        tag, _ = Tag.objects.get_or_create(name_folded=folded(new_tag), defaults={"name": new_tag})
        job.detail["tag"] = tag.pk
        job.save(update_fields=["detail"])
    elif not Tag.objects.filter(pk=job.detail["tag"]).exists():
        raise TagGone


def stop(*, job_id: uuid.UUID) -> None:
    """Ends a job after the chunk that it is in; forgets one that was only proposed."""
    if not queue.withdraw(job_id):
        queue.request_stop(job_id)
