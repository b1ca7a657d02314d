"""Bulk work in the real server: stopped half-way, killed half-way. Nobody is missed, nobody changed twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from chatadmin.lib.models import Job
from staff.models import Account, AuditEntry
from tests.search.bulking import make_crowd, make_tag, numbers, own, proposed, wearers
from tests.server import Server
from tests.staff_http import StaffBrowser
from users.models import ChatUser, Tagging

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 3_000
SECONDS = 60


def until(true: Callable[[dict[str, str]], bool], browser: StaffBrowser, job: Job) -> dict[str, str]:
    """Asks for the job's page until that is true of its numbers."""
    deadline = time.monotonic() + SECONDS
    while True:
        status, page = browser.get(own(job))
        assert status == 200
        now = numbers(page)
        if true(now):
            return now
        assert time.monotonic() < deadline, now
        time.sleep(0.01)


def has_begun(now: dict[str, str]) -> bool:
    return int(now["done"]) > 0


@pytest.fixture
def crowd(server: Server) -> list[ChatUser]:
    return make_crowd(PEOPLE)


@pytest.fixture
def job(crowd: list[ChatUser], support: Account) -> Iterator[Job]:
    """A tag to be put on the crowd, a tenth of which wears it."""
    job = proposed("tag", crowd, support, make_tag("refund", *crowd[::10]))
    yield job
    # The server must not go on in the next test's database.
    Job.objects.filter(pk=job.pk).delete()


@pytest.fixture
def browser(server: Server, support: Account) -> StaffBrowser:
    return StaffBrowser(server, support)


def changed_once() -> int:
    """How many lines there are about people; each person has one at most."""
    lines = list(AuditEntry.objects.filter(verb="user.tagged").values_list("person_hash", flat=True))
    assert len(set(lines)) == len(lines)
    return len(lines)


def test_stopped_half_way_exactly_those_are_changed_that_were_counted(
    crowd: list[ChatUser], job: Job, browser: StaffBrowser
) -> None:
    asked = time.monotonic()
    assert browser.post(own(job), do="start")[0] == 302
    until(has_begun, browser, job)
    assert time.monotonic() - asked < 5
    assert browser.post(own(job), do="stop")[0] == 302
    now = until(lambda now: now["bulk"] == "stopped", browser, job)
    done, changed = int(now["done"]), int(now["changed"])
    assert 0 < done < PEOPLE
    # The frozen people are worked through in the order of their ids.
    ids = sorted(person.pk for person in crowd)
    before = {person.pk for person in crowd[::10]}
    assert wearers("refund") == before | set(ids[:done])
    assert changed == changed_once() == len(set(ids[:done]) - before)
    time.sleep(1)
    assert changed_once() == changed, "nothing goes on"


def test_killed_half_way_the_next_one_goes_on(
    crowd: list[ChatUser], job: Job, browser: StaffBrowser, server: Server
) -> None:
    assert browser.post(own(job), do="start")[0] == 302
    until(has_begun, browser, job)
    server.kill()
    half = Job.objects.get(pk=job.pk)
    assert half.is_open and 0 < half.done < PEOPLE
    assert changed_once() == half.changed, "a chunk and its count are there together"
    server.start()
    now = until(lambda now: now["bulk"] == "done", browser, job)
    assert now == {
        "bulk": "done",
        "total": str(PEOPLE),
        "done": str(PEOPLE),
        "changed": str(PEOPLE - len(crowd[::10])),
    }
    assert changed_once() == int(now["changed"])
    assert wearers("refund") == {person.pk for person in crowd}
    assert Tagging.objects.count() == PEOPLE
    assert AuditEntry.objects.filter(verb="users.bulk").count() == 1
