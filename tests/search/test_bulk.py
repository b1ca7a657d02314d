"""The same for many people: exactly those who were counted, each as the single action would leave them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job, JobState
from search import bulk, bulk_chunks
from staff import audit
from staff.models import Account, AuditEntry
from tests.announcements import listen
from tests.search.bulking import erase_at_once, make_crowd, make_tag, proposed, wearers
from tests.threads import together
from users import actions, tag_actions
from users.models import ChatUser, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_chunks, "CHUNK_PEOPLE", 4)
    monkeypatch.setattr(queue, "REST_SECONDS", 0)
    # A server that other tests started on this database takes jobs too, but not of a kind that it doesn't know.
    monkeypatch.setattr(bulk, "KIND", "bulk.tested")


def run(job: Job) -> Job:
    """Starts it and works on it to its end."""
    bulk.start(job_id=job.pk)
    taken = queue.take([bulk.KIND])
    if taken is not None:
        queue.work(taken, bulk.JOBS)
    return Job.objects.get(pk=job.pk)


def verbs_about(person: ChatUser) -> list[str]:
    return [entry.verb for entry in audit.entries_about(person.uuid)]


def test_a_tag_is_put_on_everyone_who_lacks_it(admin: Account) -> None:
    people = make_crowd(10)
    tag = make_tag("refund", *people[:3])
    job = proposed("tag", people[:9], admin, tag)
    assert (job.state, job.total, job.detail["already"]) == (JobState.PROPOSED, 9, 3)
    assert len(wearers("refund")) == 3, "nothing is done before it is said"
    job = run(job)
    assert wearers("refund") == {person.pk for person in people[:9]}
    assert (job.state, job.done, job.changed, job.payload) == (JobState.DONE, 9, 6, {})
    assert verbs_about(people[0]) == []
    assert verbs_about(people[5]) == ["user.tagged"]
    assert verbs_about(people[9]) == []


def test_a_tag_is_taken_off(admin: Account) -> None:
    people = make_crowd(10)
    tag = make_tag("refund", *people[:7])
    other = make_tag("billing", *people)
    job = proposed("untag", people[2:], admin, tag)
    assert job.detail["already"] == 3
    job = run(job)
    assert wearers("refund") == {person.pk for person in people[:2]}
    assert len(wearers(other.name)) == 10
    assert (job.done, job.changed) == (8, 5)
    assert verbs_about(people[2]) == ["user.untagged"]
    assert verbs_about(people[9]) == []


@pytest.mark.parametrize(("action", "verb"), [("vip", "user.vip_on"), ("unvip", "user.vip_off")])
def test_the_vip_mark_is_put_on_and_taken_off(action: str, verb: str, admin: Account) -> None:
    people = make_crowd(6)
    wanted = action == "vip"
    had = [person.pk for person in people[:2]]
    ChatUser.objects.filter(pk__in=had).update(is_vip=wanted)
    ChatUser.objects.exclude(pk__in=had).update(is_vip=not wanted)
    ChatUser.objects.filter(is_vip=True).update(vip_reason="Signed the big contract")
    job = proposed(action, people[:5], admin)
    assert job.detail["already"] == 2
    job = run(job)
    changed = list(ChatUser.objects.filter(pk__in=[person.pk for person in people[2:5]]))
    assert {(person.is_vip, person.vip_reason) for person in changed} == {(wanted, None)}
    people[5].refresh_from_db()
    assert people[5].is_vip is not wanted
    assert (job.done, job.changed) == (5, 3)
    assert verbs_about(people[3]) == [verb]
    assert verbs_about(people[0]) == []


def test_the_line_is_that_of_the_single_action(admin: Account) -> None:
    one, many = make_crowd(2)
    tag = actions.add_tag(chat_user_id=one.pk, name="refund", actor=admin)
    job = run(proposed("tag", [many], admin, tag))
    single, together = (audit.entries_about(person.uuid).get() for person in (one, many))
    assert (single.verb, single.actor, single.actor_name) == (
        together.verb,
        together.actor,
        together.actor_name,
    )
    assert together.detail == {**single.detail, "bulk": str(job.pk)}


def test_the_whole_leaves_one_line_with_its_numbers(admin: Account) -> None:
    people = make_crowd(5)
    tag = make_tag("refund", people[0])
    job = run(proposed("tag", people, admin, tag))
    [line] = AuditEntry.objects.filter(verb="users.bulk")
    assert (line.actor, line.person_hash) == (admin, "")
    assert line.detail == {
        "action": "tag",
        "tag": tag.pk,
        "already": 1,
        "people": 5,
        "done": 5,
        "changed": 4,
        "job": str(job.pk),
        "state": "done",
    }


def test_open_pages_hear_of_everyone_who_changed(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    people = make_crowd(6)
    tag = make_tag("refund", people[0])
    job = proposed("tag", people, admin, tag)
    heard = listen(monkeypatch)
    run(job)
    told = [(event.name, event.chat_user, event.data) for event in heard if event.name == "user.changed"]
    assert told == [("user.changed", str(person.uuid), {"fields": ["tags"]}) for person in people[1:]]


def test_those_found_later_are_left_alone(admin: Account) -> None:
    people = make_crowd(3)
    job = proposed("vip", people, admin)
    later = make_crowd(1)[0]
    run(job)
    later.refresh_from_db()
    assert not later.is_vip


def test_those_erased_meanwhile_are_passed_over(admin: Account) -> None:
    people = make_crowd(9)
    job = proposed("tag", people, admin, make_tag("refund"))
    erase_at_once(people[1])
    ChatUser.objects.filter(pk=people[6].pk).update(erased_at=timezone.now())
    job = run(job)
    assert (job.state, job.done, job.changed, job.counts) == (JobState.DONE, 9, 7, {"gone": 2, "full": 0})
    assert people[6].pk not in wearers("refund")
    assert verbs_about(people[6]) == []


def test_nobody_gets_more_tags_than_anybody_may_have(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_chunks, "TAGS_PER_PERSON", 2)
    people = make_crowd(6)
    for name in ("one", "two"):
        make_tag(name, *people[:2])
    make_tag("three", people[2])
    tag = make_tag("refund", people[0])
    job = run(proposed("tag", people, admin, tag))
    assert wearers("refund") == {person.pk for person in people} - {people[1].pk}
    assert (job.changed, job.counts) == (4, {"gone": 0, "full": 1})


def test_a_new_tag_is_made_when_it_starts_and_not_before(admin: Account) -> None:
    people = make_crowd(3)
    job = proposed("tag", people, admin, None)
    assert not Tag.objects.exists()
    with pytest.raises(bulk.TagGone):
        bulk.start(job_id=job.pk)
    bulk.start(job_id=job.pk, new_tag="Refund")
    assert len(wearers("Refund")) == 3
    assert Job.objects.get().detail["tag"] == Tag.objects.get().pk


def test_a_new_tag_that_somebody_else_made_meanwhile_is_taken(admin: Account) -> None:
    job = proposed("tag", make_crowd(3), admin, None)
    make_tag("REFUND")
    bulk.start(job_id=job.pk, new_tag="refund")
    assert len(wearers("REFUND")) == 3


@pytest.mark.django_db(transaction=True)
def test_a_tag_that_is_deleted_meanwhile_ends_it(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    people = make_crowd(10)
    tag = make_tag("refund")
    job = proposed("tag", people, admin, tag)
    bulk.start(job_id=job.pk)
    taken = queue.take([bulk.KIND])
    assert taken is not None
    queue.work(taken, bulk.JOBS, seconds=0)
    tag_actions.delete_tag(tag_id=tag.pk, actor=admin)
    job = run(job)
    assert (job.state, job.done, job.changed) == (JobState.DONE, 10, 4)
    assert job.counts["no_tag"] == 6


def test_a_tag_that_was_deleted_before_is_said_at_the_start(admin: Account) -> None:
    tag = make_tag("refund")
    job = proposed("tag", make_crowd(3), admin, tag)
    tag_actions.delete_tag(tag_id=tag.pk, actor=admin)
    with pytest.raises(bulk.TagGone):
        bulk.start(job_id=job.pk)
    assert Job.objects.get(pk=job.pk).state == JobState.PROPOSED


def test_few_are_done_at_once_and_many_wait_for_the_queue(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    few, many = proposed("vip", make_crowd(3), admin), proposed("vip", make_crowd(4), admin)
    bulk.start(job_id=few.pk)
    bulk.start(job_id=many.pk)
    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {few.pk: "done", many.pk: "queued"}


@pytest.mark.parametrize("size", [0, 3])
def test_neither_nobody_nor_too_many(size: int, admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_PEOPLE", 2)
    with pytest.raises(ValueError, match="people"):
        proposed("vip", make_crowd(size), admin)
    assert proposed("vip", make_crowd(2), admin).total == 2


def test_the_row_names_nobody(admin: Account) -> None:
    people = make_crowd(5, word="Zenobia")
    job = proposed("tag", people, admin, make_tag("zenobia", people[0]))
    row = str(Job.objects.values().get(pk=job.pk)).lower()
    assert "zenobia" not in row
    assert not any(str(person.uuid) in row or person.uuid.hex in row for person in people)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_wait_for_each_other_and_double_nothing(admin: Account) -> None:
    people = make_crowd(40)
    tag = make_tag("refund")
    jobs = [proposed("tag", crowd, admin, tag) for crowd in (people[:30], people[:9:-1])]
    for job in jobs:
        assert queue.start(job.pk)

    def work() -> None:
        taken = queue.take([bulk.KIND])
        assert taken is not None
        queue.work(taken, bulk.JOBS)

    assert together(work, work) == [None, None]
    states = list(Job.objects.values_list("state", "attempts"))
    assert states == [("done", 0)] * 2
    assert wearers("refund") == {person.pk for person in people}
    assert sum(Job.objects.values_list("changed", flat=True)) == 40
    assert AuditEntry.objects.filter(verb="user.tagged").count() == 40
