"""A second admin: who asks only files it; another approves or refuses; until then nothing goes."""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chatadmin.lib import queue
from conversations.merging import merge
from exports import approvals, erasures_bulk, ledger
from exports.approvals import PersonGone, SameAdmin
from exports.erasure import erase, resume_unfinished
from exports.erasures_bulk import APPROVE_JOBS, APPROVE_KIND, JOBS, KIND, propose, start
from exports.models import Approval, Erasure
from exports.tombstones import Held, NotWaiting
from staff import audit
from staff.models import Account, AuditEntry, Policy
from staff.policy import change_policy, erasure_needs_second
from tests.exports.people import START, make_marked
from tests.exports.sweep import places_of
from tests.factories import make_person
from tests.search.bulking import make_crowd
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def needed(owner: Account) -> None:
    change_policy(erasure_needs_second=True, actor=owner)


def filed(person: ChatUser, actor: Account | None) -> Erasure:
    done = approvals.file(chat_user_uuid=person.uuid, actor=actor, reason="abuse", ticket="T-1")
    return Erasure.objects.get(pk=done.erasure)


def worked() -> None:
    kinds = {KIND: JOBS, APPROVE_KIND: APPROVE_JOBS}
    while (job := queue.take(kinds)) is not None:
        queue.work(job, kinds[job.kind])
    resume_unfinished()


def test_it_is_off_until_an_admin_says_so(
    admin_client: Client, support_client: Client, admin: Account
) -> None:
    assert not erasure_needs_second()
    assert 'data-policy="off"' in admin_client.get("/team/").content.decode()
    assert support_client.post("/team/policy/", {"erasure_needs_second": "on"}).status_code == 403
    admin_client.post("/team/policy/", {"erasure_needs_second": "on"})
    assert erasure_needs_second()
    assert 'data-policy="on"' in admin_client.get("/team/").content.decode()
    admin_client.post("/team/policy/", {"erasure_needs_second": "on"})
    admin_client.post("/team/policy/", {})
    assert not erasure_needs_second()
    told = AuditEntry.objects.filter(verb="policy.changed").order_by("pk").values_list("actor", "detail")
    assert list(told) == [
        (admin.pk, {"erasure_needs_second": True}),
        (admin.pk, {"erasure_needs_second": False}),
    ]


@pytest.mark.usefixtures("needed")
def test_one_asks_and_another_approves(
    admin_client: Client, owner_client: Client, admin: Account, owner: Account
) -> None:
    person = make_marked("zebrafin").person
    page = admin_client.get(f"/users/{person.uuid}/delete/").content.decode()
    assert "data-needs-second" in page
    form = {"confirm": "NAMEZEBRAFIN-4", "reason": "subject_request", "ticket": "CS-1"}
    answer = admin_client.post(f"/users/{person.uuid}/delete/", form)
    row = Erasure.objects.get()
    own = f"/erasures/{row.pk}/"
    assert answer.headers["Location"] == own
    worked()
    assert places_of("namezebrafin"), "nothing has gone"
    assert living().filter(pk=person.pk).exists()

    page = admin_client.get(own).content.decode()
    assert 'data-state="asked"' in page and 'value="approve"' not in page
    admin_client.post(own, {"do": "approve"})
    assert living().filter(pk=person.pk).exists(), "not the same admin"

    assert f'data-asked="{row.pk}"' in owner_client.get("/erasures/").content.decode()
    page = owner_client.get(own).content.decode()
    assert 'value="approve"' in page and person.get_absolute_url() in page
    owner_client.post(own, {"do": "approve"})
    assert not living().exists()
    worked()
    row.refresh_from_db()
    assert places_of("zebrafin") == set()
    assert (row.actor, row.second, row.approval) == (admin, owner, Approval.APPROVED)
    receipt = json.loads(row.receipt or "")
    assert (receipt["by"], receipt["approved_by"]) == (admin.display_name, owner.display_name)
    verbs = set(audit.entries_about(person.uuid).values_list("verb", flat=True))
    assert {"erasure.asked", "erasure.approved", "user.erased"} <= verbs


@pytest.mark.usefixtures("needed")
def test_nobody_approves_their_own(admin: Account) -> None:
    row = filed(make_person("Ana"), admin)
    with pytest.raises(SameAdmin):
        approvals.approve(erasure_id=row.pk, actor=admin)
    assert living().exists()


@pytest.mark.usefixtures("needed")
def test_refused_it_never_goes_and_can_be_asked_again(
    admin: Account, owner: Account, owner_client: Client
) -> None:
    person = make_person("Ana")
    row = filed(person, admin)
    owner_client.post(f"/erasures/{row.pk}/", {"do": "refuse"})
    row.refresh_from_db()
    assert (row.approval, row.second, row.person_pk) == (Approval.REFUSED, owner, None)
    with pytest.raises(NotWaiting):
        approvals.approve(erasure_id=row.pk, actor=owner)
    worked()
    assert living().exists()
    assert 'data-state="refused"' in owner_client.get("/erasures/").content.decode()
    again = filed(person, admin)
    assert again.pk != row.pk
    approvals.approve(erasure_id=again.pk, actor=owner)
    worked()
    assert not living().exists()


@pytest.mark.usefixtures("needed")
def test_asked_twice_it_is_one_request(admin: Account, owner: Account) -> None:
    person = make_person("Ana")
    assert filed(person, admin).pk == filed(person, owner).pk
    assert Erasure.objects.get().actor == admin


@pytest.mark.usefixtures("needed")
def test_who_asked_may_take_it_back(admin: Account, admin_client: Client) -> None:
    row = filed(make_person("Ana"), admin)
    admin_client.post(f"/erasures/{row.pk}/", {"do": "refuse"})
    row.refresh_from_db()
    assert row.approval == Approval.REFUSED


@pytest.mark.usefixtures("needed")
def test_a_hold_that_came_between_stops_it(admin: Account, owner: Account) -> None:
    person = make_person("Ana")
    row = filed(person, admin)
    ChatUser.objects.update(held_at=START)
    with pytest.raises(Held):
        approvals.approve(erasure_id=row.pk, actor=owner)
    row.refresh_from_db()
    assert row.approval == Approval.WAITING and living().exists()
    with pytest.raises(Held):
        filed(make_person("Bo", held_at=START), admin)


@pytest.mark.usefixtures("needed")
def test_a_person_who_is_gone_closes_the_request(admin: Account, owner: Account) -> None:
    person = make_person("Ana")
    row = filed(person, admin)
    person.delete()
    with pytest.raises(PersonGone):
        approvals.approve(erasure_id=row.pk, actor=owner)
    row.refresh_from_db()
    assert row.approval == Approval.REFUSED


@pytest.mark.usefixtures("needed")
def test_what_goes_by_its_age_needs_nobody(admin: Account, admin_client: Client) -> None:
    person = make_person("Ana")
    row = filed(person, admin)
    erase(chat_user_uuid=person.uuid, actor=None, reason="retention")
    assert not living().exists()
    row.refresh_from_db()
    assert (row.approval, row.reason, row.actor, row.receipt) == (Approval.REFUSED, "abuse", admin, None)
    assert row.decided_at and not row.second
    done = Erasure.objects.exclude(pk=row.pk).get()
    assert (done.approval, done.reason, done.actor, bool(done.receipt)) == ("", "retention", None, True)
    assert "erasure.overtaken" in audit.entries_about(person.uuid).values_list("verb", flat=True)
    assert "A deletion was closed" in admin_client.get(f"/erasures/{row.pk}/").content.decode()


@pytest.mark.usefixtures("needed")
def test_a_ledger_that_can_not_be_written_leaves_it_waiting(
    admin: Account, owner: Account, settings: object, tmp_path: object
) -> None:
    row = filed(make_person("Ana"), admin)
    settings.ERASURE_LEDGER = tmp_path / "nowhere" / "x"  # type: ignore[attr-defined,operator]
    with pytest.raises(ledger.Unwritable):
        approvals.approve(erasure_id=row.pk, actor=owner)
    row.refresh_from_db()
    assert row.approval == Approval.WAITING and living().exists()


@pytest.mark.usefixtures("needed")
def test_the_command_only_files_it(owner: Account) -> None:
    person = make_person("Ana")
    with pytest.raises(CommandError, match="second admin") as raised:
        call_command("erase_user", str(person.uuid), "--reason=test")
    assert raised.value.returncode == 3
    assert living().exists()
    approvals.approve(erasure_id=Erasure.objects.get().pk, actor=owner)
    assert not living().exists()


@pytest.mark.usefixtures("needed")
def test_many_are_asked_for_and_approved_together(
    admin: Account,
    owner: Account,
    admin_client: Client,
    owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(erasures_bulk, "CHUNK_PEOPLE", 2)
    people = make_crowd(5)
    job = propose(ids=[person.pk for person in people], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")
    worked()
    assert living().count() == 5
    own = f"/erasures/bulk/{job.pk}/"
    assert 'data-waiting="5"' in owner_client.get(own).content.decode()
    refused = Erasure.objects.get(person_hash=audit.person_hash(people[4].uuid))
    approvals.refuse(erasure_id=refused.pk, actor=owner)
    admin_client.post(own, {"do": "approve"})
    worked()
    assert living().count() == 5, "not the same admin"
    ChatUser.objects.filter(pk=people[1].pk).update(held_at=START)
    owner_client.post(own, {"do": "approve"})
    worked()
    assert set(living()) == {people[1], people[4]}
    gone = Erasure.objects.filter(finished_at__isnull=False)
    assert {(row.actor, row.second, row.reason) for row in gone} == {(admin, owner, "test")}
    assert gone.count() == 3


@pytest.mark.usefixtures("needed")
def test_the_page_of_many_says_what_waits_and_who_can_approve(
    admin_client: Client, owner_client: Client, admin: Account
) -> None:
    alone, bo, cy = make_crowd(3)
    filed(alone, admin)
    job = propose(ids=[alone.pk, bo.pk, cy.pk], actor=admin)
    own = f"/erasures/bulk/{job.pk}/"
    question = admin_client.get(own).content.decode()
    assert "Ask for the deletion" in question and ">Delete for good<" not in question
    assert 'data-asked-alone="1"' in question
    start(job_id=job.pk, actor=admin, reason="test")
    assert "The deletion of many people is being asked for" in admin_client.get(own).content.decode()
    worked()
    page = admin_client.get(own).content.decode()
    assert "A deletion of many people waits for a second admin" in page and "were deleted" not in page
    assert 'data-waiting="2"' in page and 'data-asked-alone="1"' in page
    assert "data-own" in page and 'value="approve"' not in page

    page = owner_client.get(own).content.decode()
    assert 'value="approve"' in page and "data-own" not in page
    owner_client.post(own, {"do": "approve"})
    page = owner_client.get(own).content.decode()
    assert 'data-erasures="erasing"' in page and 'hx-trigger="every 1s"' in page
    assert 'value="approve"' not in page and "data-waiting" not in page
    worked()
    assert list(living()) == [alone]
    page = owner_client.get(own).content.decode()
    assert "Many people were deleted for good" in page and "2 of 2 people" in page


@pytest.mark.usefixtures("needed")
def test_who_went_another_way_or_is_held_is_not_waited_for(
    admin: Account, owner_client: Client, owner: Account
) -> None:
    people = make_crowd(5)
    job = propose(ids=[person.pk for person in people], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")
    worked()
    erase(chat_user_uuid=people[0].uuid, actor=None, reason="retention")
    ChatUser.objects.filter(pk=people[1].pk).delete()
    ChatUser.objects.filter(pk=people[2].pk).update(held_at=START)
    refused = Erasure.objects.get(person_hash=audit.person_hash(people[3].uuid))
    approvals.refuse(erasure_id=refused.pk, actor=owner)
    own = f"/erasures/bulk/{job.pk}/"
    owner_client.post(own, {"do": "approve"})
    worked()
    assert set(living()) == {people[2], people[3]}
    page = owner_client.get(own).content.decode()
    assert "1 of 1 people" in page and 'data-gone="2"' in page and 'data-held="1"' in page
    assert 'value="approve"' not in page, "nobody is left whom it would erase"


def test_all_of_many_are_told_of_where_some_were_asked_for_before(
    admin_client: Client, admin: Account, owner: Account
) -> None:
    people = make_crowd(3)
    change_policy(erasure_needs_second=True, actor=owner)
    filed(people[0], admin)
    Policy.objects.update(erasure_needs_second=False)
    job = propose(ids=[person.pk for person in people], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")
    worked()
    assert not living().exists()
    page = admin_client.get(f"/erasures/bulk/{job.pk}/").content.decode()
    assert "3 of 3 people" in page


def test_who_left_before_their_turn_is_not_missed(admin_client: Client, admin: Account) -> None:
    people = make_crowd(3)
    job = propose(ids=[person.pk for person in people], actor=admin)
    erase(chat_user_uuid=people[0].uuid, actor=admin, reason="test")
    start(job_id=job.pk, actor=admin, reason="test")
    worked()
    page = admin_client.get(f"/erasures/bulk/{job.pk}/").content.decode()
    assert "2 of 2 people" in page and 'data-gone="1"' in page


@pytest.mark.usefixtures("needed")
def test_the_list_names_who_waits_and_leads_to_those_asked_for_together(
    admin: Account, owner_client: Client, support_client: Client
) -> None:
    alone, *many = make_crowd(3)
    assert "data-to-approve" not in owner_client.get("/erasures/").content.decode()
    row = filed(alone, admin)
    job = propose(ids=[person.pk for person in many], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test", ticket="T-9")
    worked()
    page = owner_client.get("/erasures/").content.decode()
    assert re.findall(r'data-asked="([^"]*)"', page) == [str(row.pk)]
    assert f'<a href="/erasures/{row.pk}/"><bdi>{alone.display_name}</bdi>' in page
    assert re.findall(r'data-asked-together="([^"]*)"', page) == [str(job.pk)]
    assert f'<a href="/erasures/bulk/{job.pk}/">2 people together</a>' in page and "T-9" in page
    assert 'data-to-approve="3"' in page and "3 waiting" in page
    assert "data-to-approve" not in support_client.get("/users/").content.decode()
    job.delete()
    page = owner_client.get("/erasures/").content.decode()
    assert "data-asked-together" not in page and len(re.findall("data-asked=", page)) == 3
    ChatUser.objects.filter(pk=alone.pk).delete()
    assert "Somebody who isn't there any more" in owner_client.get("/erasures/").content.decode()


@pytest.mark.usefixtures("needed")
def test_the_list_asks_the_database_as_often_for_one_as_for_many(
    admin: Account, owner_client: Client
) -> None:
    def asked_by_page() -> int:
        with CaptureQueriesContext(connection) as captured:
            owner_client.get("/erasures/")
        return len(captured)

    def more(size: int) -> None:
        for person in make_crowd(size, f"Alone{size}"):
            filed(person, admin)
        job = propose(ids=[person.pk for person in make_crowd(size)], actor=admin)
        start(job_id=job.pk, actor=admin, reason="test")
        worked()

    more(2)
    of_few = asked_by_page()
    more(7)
    assert asked_by_page() == of_few


@pytest.mark.usefixtures("needed")
def test_support_decides_nothing(support_client: Client, admin: Account) -> None:
    row = filed(make_person("Ana"), admin)
    assert support_client.post(f"/erasures/{row.pk}/", {"do": "approve"}).status_code == 403
    assert living().exists()


@pytest.mark.usefixtures("needed")
def test_what_waits_for_a_visitor_is_said_of_whom_they_were_joined_into(
    owner_client: Client, admin: Account, owner: Account
) -> None:
    visitor, person, other = make_person(""), make_person("Ana", external_id="c-1"), make_person("Bo")
    row = filed(visitor, admin)
    own = person.get_absolute_url()
    mark = f'data-asked-joined="{row.pk}"'
    assert mark not in owner_client.get(own).content.decode()
    merge(source_id=visitor.pk, target_id=person.pk)
    said = owner_client.get(own).content.decode()
    assert mark in said and f'href="/erasures/{row.pk}/"' in said
    assert mark not in owner_client.get(other.get_absolute_url()).content.decode()
    with pytest.raises(PersonGone):
        approvals.approve(erasure_id=row.pk, actor=owner)
    assert mark not in owner_client.get(own).content.decode()
