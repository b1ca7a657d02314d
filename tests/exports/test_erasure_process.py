"""Erasures in a process of its own that is killed before each of its steps: the next one goes on."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from chatadmin.lib.models import Job
from exports import ledger, retention
from exports.erasure import resume_unfinished
from exports.models import Claim, ClaimState, Erasure
from exports.waiting import until_finished
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import START, make_marked
from tests.exports.retaining import make_rule, work_off
from tests.exports.sweep import places_of
from tests.exports.test_erasure import COUNTS
from tests.server import ROOT, Server
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)

# Forks for each person that it is told of, so that Django is loaded once.
CHILD = """
import datetime, os, signal, sys, uuid
import django
django.setup()
from exports import concluding, erasure, tombstones
erasure.CHUNK_ROWS = 2
erasure.LEASE = tombstones.LEASE = datetime.timedelta(0)
left = 0

def counted(module, name):
    real = getattr(module, name)
    def step(*args):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)
    setattr(module, name, step)

for name in ("_bury", "_remove_chunk", "_remove_person", "_finish"):
    counted(erasure, name)
counted(concluding, "_conclude")
for line in sys.stdin:
    person, step = line.split()
    child = os.fork()
    if child == 0:
        left = int(step)
        erasure.erase(chat_user_uuid=uuid.UUID(person), actor=None, reason="abuse", ticket="K-9")
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


# The same for everybody who is due by a rule: they are buried, removed and concluded together.
CHILD_OF_MANY = """
import os, signal, sys
import django
django.setup()
from django.db import connection
from exports import concluding, ledger, removing, retention_work, tombstones
from tests.exports.retaining import work_off
left = 0

def counted(module, name):
    real = getattr(module, name)
    def step(*args, **given):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **given)
    setattr(module, name, step)

for module, names in (
    (retention_work, ["bury", "settle"]), (tombstones, ["_save", "announce", "vanish"]),
    (ledger, ["append", "confirm"]),
    (removing, ["settle", "_remove", "_delete", "_note", "save_rows"]),
    (concluding, ["_conclude", "save_rows"]), (concluding.overwriting, ["overwrite"]),
    (concluding.receipts, ["signed"]), (concluding.residue, ["look"]),
):
    for name in names:
        counted(module, name)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        left = int(line)
        work_off()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


Forker = Callable[[str], Callable[[str], int]]


@pytest.fixture
def forker() -> Iterator[Forker]:
    """Starts a process of that source; returns what sends it a line and says how its child ended."""
    environment = {**Server().environment, "PYTHONPATH": str(ROOT)}
    started: list[subprocess.Popen[str]] = []

    def start(source: str) -> Callable[[str], int]:
        words = [sys.executable, "-c", source]
        process = subprocess.Popen(
            words, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)

        def ended(line: str) -> int:
            assert process.stdin and process.stdout
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            assert status in (0, signal.SIGKILL)
            return status

        return ended

    yield start
    for process in started:
        process.communicate(timeout=30)


def test_killed_before_each_transaction_it_goes_on(forker: Forker, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server of another test may work beside us: then it is waited for.
    monkeypatch.setattr("exports.waiting.TAKEN_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr("exports.waiting.LOOK_SECONDS", 0.02)
    make_marked("quokkabay")
    before = places_of("quokkabay")
    ended = forker(CHILD)
    step, killed = 0, 0
    while True:
        step += 1
        goes = make_marked("zebrafin").person
        if ended(f"{goes.uuid} {step}") == 0:
            break
        killed += 1
        if step == 1:
            assert ChatUser.objects.filter(pk=goes.pk, erased_at=None).exists(), "nothing had begun"
            goes.delete()
            continue
        assert places_of("namezebrafin") == set(), "the tombstone stands from the first commit on"
        row = Erasure.objects.order_by("-started_at")[0]
        assert until_finished([row.pk], seconds=30)
        row.refresh_from_db()
        assert (row.counts, row.reason, row.ticket) == (COUNTS, "abuse", "K-9"), step
        assert row.receipt and set(row.checked.values()) == {0}
        assert places_of("zebrafin") == set(), step
    assert killed > 12
    assert places_of("quokkabay") == before
    assert AuditEntry.objects.filter(verb="user.erased").count() == Erasure.objects.count() == step - 1


def make_due(word: str) -> ChatUser:
    """Somebody marked who hasn't been here for long, and whose request was answered."""
    person = make_marked(word).person
    Claim.objects.filter(chat_user=person).update(
        state=ClaimState.HANDED_OVER, closed_at=timezone.now(), email=""
    )
    ChatUser.objects.filter(pk=person.pk).update(last_active=START)
    return person


def test_many_killed_before_each_step_all_go_with_a_receipt_each(forker: Forker, admin: Account) -> None:
    make_rule("everything", admin)
    make_marked("quokkabay")
    before = places_of("quokkabay")
    ended = forker(CHILD_OF_MANY)
    step, seen = 0, 0
    while True:
        step += 1
        people = [make_due(f"zebrafin{at}") for at in range(3)]
        [job] = retention.file_due(again=True)
        killed = ended(str(step)) != 0
        Job.objects.filter(pk=job.pk, leased_until__isnull=False).update(
            leased_until=timezone.now() - dt.timedelta(seconds=1)
        )
        work_off()
        resume_unfinished()
        rows = Erasure.objects.order_by("-started_at")[: len(people)]
        assert [row.counts for row in rows] == [COUNTS] * len(people), step
        assert {row.person_hash for row in rows} == {audit.person_hash(person.uuid) for person in people}
        assert all(row.receipt and set(row.checked.values()) == {0} for row in rows), step
        assert places_of("zebrafin") == set(), step
        told = ledger.read(Path(settings.ERASURE_LEDGER)).erased
        assert {told[row.person_hash] for row in rows} == {str(row.pk) for row in rows}, step
        job.refresh_from_db()
        assert (job.state, job.done) == ("done", len(people)), step
        seen += len(people)
        if not killed:
            break
    assert step > 15
    assert places_of("quokkabay") == before
    assert AuditEntry.objects.filter(verb="user.erased").count() == Erasure.objects.count() == seen
