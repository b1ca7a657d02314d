"""Erasing many at once: counted, typed, started; exactly those go, each with an erasure of their own."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse
from django.test import Client

from chatadmin.lib import queue
from chatadmin.lib.models import Job, JobState
from exports import erasures_bulk, ledger
from exports.erasure import resume_unfinished
from exports.erasures_bulk import JOBS, KIND, propose, start
from exports.models import Erasure
from staff.models import Account, AuditEntry
from tests.exports.people import START, make_marked
from tests.exports.sweep import places_of
from tests.factories import make_messages, make_person
from tests.search.bulking import errors_of, make_crowd
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


def asked(client: Client, **fields: Any) -> HttpResponse:
    return client.post("/erasures/bulk/", fields, follow=True)  # type: ignore[return-value]


def text(page: HttpResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.content.decode())).split())


def worked() -> None:
    """The queue's turn, and that of those who work on erasures."""
    while (job := queue.take([KIND])) is not None:
        queue.work(job, JOBS)
    resume_unfinished()


def test_the_page_counts_what_goes_and_nothing_has_gone(admin_client: Client) -> None:
    ana, bo = make_person("Ana"), make_person("Bo", held_at=START)
    make_messages(ana, ("visitor", "one"), ("staff", "two"))
    make_person("Stays")
    page = asked(admin_client, user=[str(ana.uuid), str(bo.uuid)], query="q=a")
    said = text(page)
    assert "Delete these 2 people for good?" in said
    assert "People 2 Conversations 1 What they and we wrote 2 Visits 0" in said
    assert 'data-confirm-word="DELETE-2"' in page.content.decode()
    assert "A legal hold keeps 1 of them" in said
    assert living().count() == 3 and not Erasure.objects.exists()


def test_exactly_those_go_and_each_has_an_erasure(admin_client: Client, admin: Account) -> None:
    goes = [make_marked("zebrafin").person, make_person("Bo")]
    stays = make_marked("quokkabay").person
    before = places_of("quokkabay")
    page = asked(admin_client, user=[str(person.uuid) for person in goes])
    own = page.redirect_chain[-1][0]  # type: ignore[attr-defined]
    late = make_person("Late")
    form = {"do": "start", "confirm": "DELETE-2", "reason": "abuse", "ticket": "T-1"}
    assert admin_client.post(own, form).headers["Location"] == own
    worked()
    assert set(living()) == {stays, late}
    assert places_of("zebrafin") == set() and places_of("quokkabay") == before
    rows = Erasure.objects.all()
    assert {(row.actor, row.reason, row.ticket) for row in rows} == {(admin, "abuse", "T-1")}
    assert len({row.person_hash for row in rows}) == 2
    assert all(row.receipt and set(row.checked.values()) == {0} for row in rows)
    [line] = AuditEntry.objects.filter(verb="users.erased")
    assert (line.detail["people"], line.detail["erased"]) == (2, 2)
    assert AuditEntry.objects.filter(verb="user.erased").count() == 2
    done = admin_client.get(own).content.decode()
    assert 'data-erasures="done"' in done and 'data-finished="2"' in done


def test_the_held_are_left_out_and_named_by_number(admin_client: Client, admin: Account) -> None:
    people = make_crowd(4)
    job = propose(ids=[person.pk for person in people], actor=admin)
    ChatUser.objects.filter(pk=people[1].pk).update(held_at=START)
    ChatUser.objects.filter(pk=people[2].pk).delete()
    assert start(job_id=job.pk, actor=admin, reason="test")
    worked()
    assert list(living()) == [people[1]]
    job.refresh_from_db()
    assert (job.changed, job.counts) == (2, {"gone": 1, "held": 1})
    page = admin_client.get(f"/erasures/bulk/{job.pk}/")
    assert 'data-held="1"' in page.content.decode()
    assert "1 was left alone: a legal hold keeps them" in text(page)


def test_everyone_whom_a_search_finds(admin_client: Client) -> None:
    make_crowd(3, "Crowd")
    make_crowd(2, "Other")
    page = asked(admin_client, all="yes", query="q=crowd&in=name")
    assert 'data-confirm-word="DELETE-3"' in page.content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confirm": "DELETE-2"}, "confirm"),
        ({"confirm": ""}, "confirm"),
        ({"reason": ""}, "reason"),
        ({"reason": "because"}, "reason"),
        ({"ticket": "Ana Okafor"}, "ticket"),
    ],
)
def test_anything_wrong_is_said_by_its_field_and_nothing_goes(
    admin_client: Client, admin: Account, change: dict[str, str], field: str
) -> None:
    job = propose(ids=[make_person("Ana").pk], actor=admin)
    form = {"do": "start", "confirm": "DELETE-1", "reason": "test", **change}
    page = admin_client.post(f"/erasures/bulk/{job.pk}/", form)
    assert page.status_code == 422
    assert re.findall(r'data-error="([^"]*)"', page.content.decode()) == [field]
    worked()
    assert living().exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "user"), ({"user": "x"}, "user"), ({"all": "yes", "query": "min_messages=x"}, "query")],
)
def test_nobody_and_nonsense_are_refused(admin_client: Client, fields: dict[str, str], field: str) -> None:
    make_person("Ana")
    page = asked(admin_client, **fields)
    assert page.status_code == 422 and field in errors_of(page)
    assert not Job.objects.exists()


def test_it_can_be_stopped_and_cancelled(
    admin_client: Client, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures_bulk, "CHUNK_PEOPLE", 2)
    people = make_crowd(5)
    job = propose(ids=[person.pk for person in people], actor=admin)
    assert admin_client.post(f"/erasures/bulk/{job.pk}/", {"do": "stop"}).headers["Location"] == "/users/"
    assert not Job.objects.exists()
    job = propose(ids=[person.pk for person in people], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")
    taken = queue.take([KIND])
    assert taken
    queue._run_chunk(taken, JOBS)
    admin_client.post(f"/erasures/bulk/{job.pk}/", {"do": "stop"})
    queue.work(taken, JOBS)
    resume_unfinished()
    assert list(living().order_by("pk")) == people[2:]
    job.refresh_from_db()
    assert job.state == JobState.STOPPED and job.payload == {}


def test_where_the_ledger_can_not_be_written_nobody_goes(
    admin: Account, settings: Any, tmp_path: Any
) -> None:
    settings.ERASURE_LEDGER = tmp_path / "nowhere" / "erasures.ledger"
    job = propose(ids=[person.pk for person in make_crowd(3)], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")
    worked()
    assert living().count() == 3 and not Erasure.objects.exists()
    job.refresh_from_db()
    assert job.error == "Unwritable" and job.is_open
    settings.ERASURE_LEDGER = tmp_path / "erasures.ledger"
    Job.objects.update(due_at=START)
    worked()
    assert not living().exists()
    assert len(ledger.read(settings.ERASURE_LEDGER).erased) == 3


def test_the_jobs_row_holds_numbers_only(admin: Account) -> None:
    person = make_marked("zebrafin").person
    job = propose(ids=[person.pk], actor=admin)
    held = json.dumps([job.detail, job.payload])
    assert "zebrafin" not in held and str(person.uuid) not in held


def test_the_bar_offers_it_to_admins_only(
    admin_client: Client, support_client: Client, stranger: Client
) -> None:
    person = make_person("Ana")
    assert 'formaction="/erasures/bulk/"' in admin_client.get("/users/").content.decode()
    assert "/erasures/bulk/" not in support_client.get("/users/").content.decode()
    assert support_client.post("/erasures/bulk/", {"user": str(person.uuid)}).status_code == 403
    assert stranger.post("/erasures/bulk/").headers["Location"].startswith("/login/")


def test_an_unknown_job_is_not_found(admin_client: Client) -> None:
    job = queue.file(kind="bulk", account_id=None)
    assert admin_client.get(f"/erasures/bulk/{job.pk}/").status_code == 404


@pytest.mark.parametrize("moment", ["chunk", "commit"])
def test_a_chunk_that_fails_leaves_nobody_in_the_ledger(
    admin: Account, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    settings.ERASURE_LEDGER = tmp_path / "erasures.ledger"
    job = propose(ids=[person.pk for person in make_crowd(3)], actor=admin)
    start(job_id=job.pk, actor=admin, reason="test")

    taken = queue.take([KIND])
    assert taken
    commit = BaseDatabaseWrapper.commit

    def fails(*given: Any) -> None:
        monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)
        raise DatabaseError("the connection was lost")

    with monkeypatch.context() as patched:
        if moment == "chunk":
            patched.setattr(queue, "_advance", fails)
        else:
            patched.setattr(BaseDatabaseWrapper, "commit", fails)
        queue.work(taken, JOBS)
    assert living().count() == 3
    said = settings.ERASURE_LEDGER.read_text()
    assert said.count('"erased"') == 3 and said.count('"withdrawn"') == 3
    told = ledger.read(settings.ERASURE_LEDGER)
    assert told.erased == told.doubtful == {} and told.is_whole
    Job.objects.update(due_at=START)
    worked()
    assert not living().exists()
    assert len(ledger.read(settings.ERASURE_LEDGER).erased) == 3
