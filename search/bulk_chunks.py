"""What a bulk job does to some hundred people at a time: the same to each as the single action would."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.models import Job
from chatadmin.lib.packing import part
from chatadmin.lib.queue import Step
from staff import audit
from users.actions import TAGS_PER_PERSON
from users.models import ChatUser, Tag, Tagging

# On SQLite the one writer's lock is held for so many people, 30 ms or so; also what is done at once in a request.
CHUNK_PEOPLE = 200
VERBS = {"tag": "user.tagged", "untag": "user.untagged", "vip": "user.vip_on", "unvip": "user.vip_off"}
OF_TAGS = ("tag", "untag")


@dataclass(frozen=True)
class _Done:
    """Ids of those who were changed, and how many had no room for another tag."""

    changed: list[int]
    full: int = 0


def chunk(job: Job) -> Step:
    """Does it to the next of the job's people, and leaves lines and announcements about those whom it changed.

    Skips who was erased meanwhile (`gone` counts them) and who has no room for another tag (`full`). Where the tag
    is gone the job ends, and `no_tag` counts the rest.
    """
    action, tag_id = job.detail["action"], job.detail.get("tag")
    here = part(job.payload["people"], job.cursor, CHUNK_PEOPLE)
    people = _locked(here.ids)
    # The people's rows first, as everybody does who locks both.
    if action in OF_TAGS and not _stands(tag_id):
        left = job.total - job.done
        return Step(None, done=left, counts={"no_tag": left})
    done = _tag(people, tag_id, action) if action in OF_TAGS else _mark(people, vip=action == "vip")
    _tell(job, [people[person] for person in done.changed])
    counts = {"gone": len(here.ids) - len(people), "full": done.full}
    return Step(here.next, done=len(here.ids), changed=len(done.changed), counts=counts)


def _locked(ids: list[int]) -> dict[int, uuid.UUID]:
    """The living of `ids`, locked in id order: two that lock some of the same people would else wait for each other."""
    living = ChatUser.objects.select_for_update().filter(pk__in=ids, erased_at=None)
    return dict(living.order_by("pk").values_list("pk", "uuid"))


def _stands(tag_id: int) -> bool:
    """Whether nobody deletes or merges the tag; locked, so that nobody does until the chunk is committed."""
    return Tag.objects.select_for_update(no_key=True).filter(pk=tag_id).first() is not None


def _tag(people: Mapping[int, uuid.UUID], tag_id: int, action: str) -> _Done:
    worn = Tagging.objects.filter(tag=tag_id, chat_user__in=people)
    wearers = set(worn.values_list("chat_user", flat=True))
    if action == "untag":
        worn.delete()
        return _Done(sorted(wearers))
    others = people.keys() - wearers
    tags = Tagging.objects.filter(chat_user__in=others).values("chat_user").annotate(tags=Count("pk"))
    full = set(tags.filter(tags__gte=TAGS_PER_PERSON).values_list("chat_user", flat=True))
    changed, now = sorted(others - full), timezone.now()
    Tagging.objects.bulk_create(Tagging(chat_user_id=person, tag_id=tag_id, at=now) for person in changed)
    return _Done(changed, len(full))


def _mark(people: Mapping[int, uuid.UUID], *, vip: bool) -> _Done:
    others = ChatUser.objects.filter(pk__in=people, is_vip=not vip)
    changed = list(others.order_by("pk").values_list("pk", flat=True))
    # Why somebody is a VIP goes with the mark.
    others.update(is_vip=vip, vip_reason=None)
    return _Done(changed)


def _tell(job: Job, changed: list[uuid.UUID]) -> None:
    action = job.detail["action"]
    detail = {"bulk": str(job.pk)} | ({"tag": job.detail["tag"]} if action in OF_TAGS else {})
    audit.record_many(actor=job.account, verb=VERBS[action], people=changed, detail=detail)
    fields = ["tags"] if action in OF_TAGS else ["vip"]
    if changed:
        announce(*(Event("user.changed", str(person), {"fields": fields}) for person in changed))
