"""An erasure in a process of its own that is killed before each of its transactions: the next one goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from exports.models import Erasure
from exports.waiting import until_finished
from staff.models import AuditEntry
from tests.exports.people import make_marked
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


@pytest.fixture
def forker() -> Iterator[subprocess.Popen[str]]:
    environment = {**Server().environment, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", CHILD]
    process = subprocess.Popen(
        words, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate(timeout=30)


def erased_in_a_process(forker: subprocess.Popen[str], person: ChatUser, step: int) -> int:
    """Erases the person, killed before the `step`-th transaction. Returns how the process ended."""
    assert forker.stdin and forker.stdout
    forker.stdin.write(f"{person.uuid} {step}\n")
    forker.stdin.flush()
    status = int(forker.stdout.readline())
    assert status in (0, signal.SIGKILL)
    return status


def test_killed_before_each_transaction_it_goes_on(
    forker: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server of another test may work beside us: then it is waited for.
    monkeypatch.setattr("exports.waiting.TAKEN_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr("exports.waiting.LOOK_SECONDS", 0.02)
    make_marked("quokkabay")
    before = places_of("quokkabay")
    step, killed = 0, 0
    while True:
        step += 1
        goes = make_marked("zebrafin").person
        if erased_in_a_process(forker, goes, step) == 0:
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
