"""Merging a tag into another and deleting one: said in numbers first, then done in chunks that survive a crash."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job, JobState
from staff.models import Account, AuditEntry
from tests.announcements import listen
from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from tests.users.tags import make_people, make_tag, names_on, rows_of
from users import actions, tag_actions
from users.models import Tag, Tagging

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_actions, "CHUNK_PEOPLE", 2)


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it doesn't wait: one chunk, and the rest is left to the queue."""
    monkeypatch.setattr(tag_actions, "BUDGET_SECONDS", 0.0)


def rest() -> None:
    """What a server's queue would do."""
    job = queue.take([tag_actions.KIND])
    assert job is not None
    queue.work(job, tag_actions.JOBS)


def lines() -> list[tuple[str, dict]]:
    return list(AuditEntry.objects.order_by("pk").values_list("verb", "detail"))


def test_the_question_says_how_many_move_and_how_many_have_both(support_client: Client) -> None:
    people = [*make_people(5), make_person("Gone", erased_at=timezone.now())]
    tag, into = make_tag("biling", *people[:4], people[5]), make_tag("Billing", *people[3:])
    answer = support_client.get(f"/tags/{tag.pk}/merge/", {"into": "BILLING"})
    page = text_of(answer)
    assert 'data-people="3"' in page and 'data-both="1"' in page
    assert "3 people get “<bdi>Billing</bdi>” for it." in page
    assert "1 person has both already and keeps “<bdi>Billing</bdi>”." in page
    assert names_on(people[0]) == ["biling"] and into.taggings.count() == 3


def test_first_it_asks_into_which(support_client: Client) -> None:
    tag = make_tag("biling")
    make_tag("billing")
    page = text_of(support_client.get(f"/tags/{tag.pk}/merge/"))
    assert '<option value="billing">' in page and "data-people" not in page and "data-error" not in page


@pytest.mark.parametrize(
    ("into", "why"), [("", ""), ("nobody", "no tag"), ("Biling", "itself"), ("a\x00", "")]
)
def test_what_it_can_not_be_merged_into_is_said(into: str, why: str, support_client: Client) -> None:
    tag = make_tag("biling", *make_people(1))
    for answer, status in (
        (support_client.get(f"/tags/{tag.pk}/merge/", {"into": into}), 200),
        (support_client.post(f"/tags/{tag.pk}/merge/", {"into": into}), 422),
    ):
        assert answer.status_code == status
        assert why in errors_of(answer)["into"]
        assert "data-people" not in text_of(answer)
    assert Tag.objects.get() == tag


@pytest.mark.usefixtures("small_chunks")
def test_a_merge_moves_everyone_once_and_keeps_since_when(
    support: Account, support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    people = make_people(7)
    other = make_person("Bo")
    tag, into = make_tag("biling", *people), make_tag("billing", people[6], other)
    since = dict(tag.taggings.values_list("chat_user", "at"))
    answer = support_client.post(f"/tags/{tag.pk}/merge/", {"into": "billing"}, follow=True)
    assert "“biling” is merged into “billing”." in text_of(answer)
    assert rows_of(answer) == {"billing": "8"}
    assert all(names_on(person) == ["billing"] for person in [*people, other])
    moved = dict(into.taggings.filter(chat_user__in=people[:6]).values_list("chat_user", "at"))
    assert moved == {person: at for person, at in since.items() if person != people[6].pk}
    assert lines() == [("tag.merged", {"tag": tag.pk, "people": 7, "into": into.pk})]
    assert AuditEntry.objects.get().actor == support
    assert [event.name for event in told] == ["tag.changed"]
    assert not Tag.everything.filter(pk=tag.pk).exists()


@pytest.mark.usefixtures("small_chunks")
def test_a_deletion_is_asked_and_comes_off_everyone(support_client: Client) -> None:
    people = make_people(5)
    tag, other = make_tag("spam", *people), make_tag("billing", people[0])
    page = text_of(support_client.get(f"/tags/{tag.pk}/delete/"))
    assert 'data-people="5"' in page and "It comes off 5 people." in page
    assert tag.taggings.count() == 5
    answer = support_client.post(f"/tags/{tag.pk}/delete/", follow=True)
    assert "“spam” is deleted." in text_of(answer)
    assert rows_of(answer) == {"billing": "1"}
    assert list(Tagging.objects.values_list("tag", "chat_user")) == [(other.pk, people[0].pk)]
    assert lines() == [("tag.deleted", {"tag": tag.pk, "people": 5})]


@pytest.mark.usefixtures("small_chunks", "no_time")
def test_what_takes_longer_goes_on_by_itself_and_the_page_says_so(support_client: Client) -> None:
    people = make_people(7)
    tag, into = make_tag("biling", *people), make_tag("billing")
    answer = support_client.post(f"/tags/{tag.pk}/merge/", {"into": "billing"}, follow=True)
    page = text_of(answer)
    assert "data-going" in page and "5 people to go" in page and "is merged into" not in page
    assert rows_of(answer) == {"billing": "2"}
    rest()
    assert into.taggings.count() == 7 and not Tag.everything.filter(pk=tag.pk).exists()
    assert "data-going" not in text_of(support_client.get("/tags/"))
    job = Job.objects.get()
    assert (job.state, job.total, job.done, job.changed) == (JobState.DONE, 7, 7, 7)


@pytest.mark.usefixtures("small_chunks", "no_time")
def test_the_name_of_a_tag_on_the_way_out_is_free(support: Account) -> None:
    people = make_people(4)
    tag = make_tag("spam", *people)
    assert not tag_actions.delete_tag(tag_id=tag.pk, actor=support)
    fresh = actions.add_tag(chat_user_id=people[0].pk, name="Spam", actor=support)
    assert fresh.pk != tag.pk
    rest()
    assert [names_on(person) for person in people] == [["Spam"], [], [], []]


@pytest.mark.usefixtures("small_chunks")
def test_what_failed_again_and_again_is_tried_again(
    support: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = make_people(3)
    tag = make_tag("spam", *people)
    with monkeypatch.context() as broken:
        broken.setattr(Tagging.objects, "filter", lambda **_: 1 / 0)
        broken.setattr(tag_actions, "BUDGET_SECONDS", 0.0)
        tag_actions.delete_tag(tag_id=tag.pk, actor=support)
        for _ in range(queue.MOST_ATTEMPTS):
            Job.objects.filter(state=JobState.QUEUED).update(due_at=timezone.now())
            rest()
    assert tag.taggings.count() == 3
    assert sorted(Job.objects.values_list("state", flat=True)) == [JobState.FAILED, JobState.QUEUED]
    rest()
    assert not Tagging.objects.exists() and not Tag.everything.exists()


@pytest.mark.usefixtures("small_chunks", "no_time")
def test_into_a_tag_on_the_way_out_nothing_goes_and_no_tag_goes_while_one_is_on_its_way_into_it(
    support: Account, support_client: Client
) -> None:
    people = make_people(4)
    tag, into, third = make_tag("a", *people), make_tag("b"), make_tag("c")
    assert not tag_actions.merge_tag(tag_id=tag.pk, into_id=into.pk, actor=support)
    with pytest.raises(tag_actions.TagGone):
        tag_actions.merge_tag(tag_id=third.pk, into_id=tag.pk, actor=support)
    answer = support_client.post(f"/tags/{into.pk}/delete/")
    assert answer.status_code == 422 and "in a moment" in errors_of(answer)["tag"]
    answer = support_client.post(f"/tags/{into.pk}/merge/", {"into": "c"})
    assert answer.status_code == 422 and "in a moment" in errors_of(answer)["into"]
    rest()
    assert into.taggings.count() == 4
    assert support_client.post(f"/tags/{into.pk}/delete/").status_code == 302


def test_nobody_has_more_tags_after_a_merge_than_before(support: Account) -> None:
    person = make_person("Ada")
    tags = [make_tag(f"tag {at}", person) for at in range(actions.TAGS_PER_PERSON)]
    other = make_tag("other")
    assert tag_actions.merge_tag(tag_id=tags[0].pk, into_id=other.pk, actor=support)
    assert person.taggings.count() == actions.TAGS_PER_PERSON and "other" in names_on(person)
    assert tag_actions.merge_tag(tag_id=tags[1].pk, into_id=other.pk, actor=support)
    assert person.taggings.count() == actions.TAGS_PER_PERSON - 1


def test_a_tag_is_not_merged_into_itself(support: Account) -> None:
    tag = make_tag("a", *make_people(1))
    with pytest.raises(ValueError, match="itself"):
        tag_actions.merge_tag(tag_id=tag.pk, into_id=tag.pk, actor=support)
    assert tag.taggings.count() == 1
