"""What staff do to the team's tags, as opposed to a person's: make, change, merge and delete one.

Each leaves one audit line, whoever wears the tag, and one announcement, at which every open page draws its tags again.
A tag that goes is only marked at first, and a job takes it off people, some hundred at a time.
"""

from __future__ import annotations

import time

from django.db import IntegrityError, transaction
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.bus import Event, announce
from chatadmin.lib.models import Job, JobState
from chatadmin.lib.queue import Kind, Step
from chatadmin.lib.tokens import folded
from staff import audit
from staff.models import Account
from users.models import ChatUser, Tag, Tagging

KIND = "tag_gone"
CHUNK_PEOPLE = 500
# A browser waits so long for a tag to be gone; the rest is done behind its back.
BUDGET_SECONDS = 3.0
LOOK_SECONDS = 0.05


class TagGone(LookupError):
    """There is no such tag any more."""


class TagBusy(Exception):
    """Another tag is still on its way into this one."""


class NameTaken(ValueError):
    """A tag is called so already, by its folded name: `tag`."""

    def __init__(self, tag: Tag) -> None:
        super().__init__("name")
        self.tag = tag


def create_tag(*, name: str, color: str, actor: Account) -> Tag:
    """Makes a tag that nobody wears yet; `color` is a TagColor or "". Raises NameTaken."""
    with transaction.atomic():
        tag, is_new = Tag.objects.get_or_create(
            name_folded=folded(name), defaults={"name": name, "color": color}
        )
        if not is_new:
            raise NameTaken(tag)
        audit.record(actor=actor, verb="tag.created", detail={"tag": tag.pk})
    return tag


def change_tag(*, tag_id: int, name: str, color: str, actor: Account) -> Tag:
    """Renames a tag and gives it a colour, on everyone who wears it. Raises TagGone, NameTaken."""
    with transaction.atomic():
        tag = _locked(tag_id)[tag_id]
        wanted = {"name": name, "color": color}
        changed = [field for field, value in wanted.items() if getattr(tag, field) != value]
        if not changed:
            return tag
        tag.name, tag.name_folded, tag.color = name, folded(name) or "", color
        try:
            with transaction.atomic():
                tag.save(update_fields=["name", "name_folded", "color"])
        except IntegrityError:
            raise NameTaken(Tag.objects.get(name_folded=tag.name_folded)) from None
        audit.record(actor=actor, verb="tag.changed", detail={"tag": tag.pk, "fields": changed})
        announce(Event("tag.changed"))
    return tag


def delete_tag(*, tag_id: int, actor: Account) -> bool:
    """Lets a tag go: nobody finds it or puts it on from now on, and it comes off everyone.

    Returns whether that is done; else a job goes on with it. Raises TagGone, TagBusy.
    """
    return _let_go(tag_id, None, actor)


def merge_tag(*, tag_id: int, into_id: int, actor: Account) -> bool:
    """Lets a tag go like `delete_tag`, and whoever wears it gets the other one for it.

    Nobody has more tags after it than before. Returns whether that is done. Raises TagGone where either is, TagBusy,
    and ValueError for a tag merged into itself.
    """
    if tag_id == into_id:
        raise ValueError("a tag can't be merged into itself")
    return _let_go(tag_id, into_id, actor)


def _locked(*ids: int) -> dict[int, Tag]:
    """The standing tags of these ids, locked in id order. Raises TagGone where one of them isn't there."""
    found = {tag.pk: tag for tag in Tag.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    if len(found) < len(ids):
        raise TagGone
    return found


def _let_go(tag_id: int, into_id: int | None, actor: Account) -> bool:
    with transaction.atomic():
        found = _locked(tag_id, *([into_id] if into_id is not None else []))
        tag = found[tag_id]
        if Tag.everything.filter(into=tag).exists():
            raise TagBusy
        people = tag.taggings.count()
        tag.going_at, tag.into_id = timezone.now(), into_id
        # A folded name never begins with a space, so this one is in nobody's way and nobody finds it.
        tag.name_folded = f" {tag.pk}"
        tag.save(update_fields=["going_at", "into", "name_folded"])
        detail = {"tag": tag.pk, "people": people}
        if into_id is None:
            audit.record(actor=actor, verb="tag.deleted", detail=detail)
        else:
            audit.record(actor=actor, verb="tag.merged", detail={**detail, "into": into_id})
        job = queue.file(kind=KIND, account_id=actor.pk, detail={"tag": tag.pk}, total=people)
    return _worked_off(job)


def _worked_off(job: Job) -> bool:
    """Works on the job, or watches whoever has taken it first, for as long as a browser waits."""
    until = time.monotonic() + BUDGET_SECONDS
    taken = queue.claim(job.pk)
    if taken is not None:
        queue.work(taken, JOBS, seconds=BUDGET_SECONDS)
    while True:
        gone = not Tag.everything.filter(pk=job.detail["tag"]).exists()
        if gone or time.monotonic() >= until:
            return gone
        time.sleep(LOOK_SECONDS)


def _take_off(job: Job) -> Step:
    """Takes the tag off so many people, or removes its row where nobody wears it.

    The people's rows are locked first, then the tag's, as whoever puts a tag on somebody locks them.
    """
    tag_id = job.detail["tag"]
    people = sorted(Tagging.objects.filter(tag=tag_id).values_list("chat_user", flat=True)[:CHUNK_PEOPLE])
    list(ChatUser.objects.select_for_update().filter(pk__in=people).order_by("pk").values_list("pk"))
    tag = Tag.everything.select_for_update().filter(pk=tag_id, going_at__isnull=False).first()
    if tag is None:
        return Step(None, done=0)
    theirs = Tagging.objects.filter(tag=tag_id, chat_user__in=people)
    moved = 0
    if tag.into_id is not None:
        both = Tagging.objects.filter(tag=tag.into_id, chat_user__in=people)
        others = theirs.exclude(chat_user__in=list(both.values_list("chat_user", flat=True)))
        moved = others.update(tag=tag.into_id)
    removed, _ = theirs.delete()
    if people or tag.taggings.exists():
        return Step("more", done=moved + removed, changed=moved)
    tag.delete()
    announce(Event("tag.changed"))
    return Step(None, done=0)


def _ended(job: Job) -> None:
    """A tag that nobody can find must not stay on people, so what failed is tried again."""
    if job.state != JobState.DONE and Tag.everything.filter(pk=job.detail["tag"]).exists():
        queue.file(kind=KIND, account_id=job.account_id, detail=job.detail, total=job.total)


JOBS = Kind(_take_off, _ended)
