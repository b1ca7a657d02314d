"""A worker beside servers, alone, and killed: jobs are done by whoever is there, and their sockets hear of it."""

from __future__ import annotations

import json
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from chatadmin.lib import workers
from exports import approvals, export_files, export_jobs
from exports.models import Erasure, Export
from exports.retention_models import RetentionRun
from exports.stream import Form
from staff.models import Account
from tests.exports.importing import bring_in, write
from tests.exports.retaining import make_rule, make_talker
from tests.factories import make_person
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from tests.working import STARTED, STOPPED, Worker
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)

# A worker that is killed leaves nothing undone for longer.
TAKEN_OVER_SECONDS = 20.0
# Well within the lease of one that says nothing any more.
STILL_HELD_SECONDS = 4.0


@pytest.fixture(scope="module")
def worker_process(server_process: Server) -> Iterator[Worker]:
    """One for all tests of this file, on the database of the server."""
    worker = Worker()
    yield worker
    worker.kill()
    workers.store().discard(workers.GROUP)


@pytest.fixture
def worker(worker_process: Worker, transactional_db: None) -> Worker:
    """A running worker. A test may kill it."""
    if worker_process.running:
        return worker_process
    # The leases of those that were killed would say for ten seconds that they live.
    workers.store().discard(workers.GROUP)
    return worker_process.start()


@pytest.fixture
def alone(server_process: Server, worker: Worker) -> Worker:
    """No server runs."""
    server_process.stop()
    return worker


@pytest.fixture
def nothing_by_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that waits does none of it itself."""

    def refuse() -> int:
        raise AssertionError("the worker should have done it")

    monkeypatch.setattr("exports.waiting.resume_unfinished", refuse)
    monkeypatch.setattr("exports.waiting.TAKEN_WITHIN_SECONDS", 60)
    monkeypatch.setattr("exports.management.commands.apply_retention.PATIENCE_SECONDS", 60)


def until(true: Callable[[], Any], seconds: float = TAKEN_OVER_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def bury(person: ChatUser) -> Erasure:
    """The tombstone alone."""
    filed = approvals.file(chat_user_uuid=person.uuid, actor=None, reason="test", ticket="")
    return Erasure.objects.get(pk=filed.erasure)


def is_finished(erasure: Erasure) -> bool:
    return Erasure.objects.filter(pk=erasure.pk, finished_at__isnull=False).exists()


@pytest.mark.usefixtures("worker", "nothing_by_command")
def test_an_open_chat_forgets(visit: Callable[..., Visitor]) -> None:
    tab, other = visit(), visit()
    tab.hello()
    tab.say("forget me")
    other.hello()
    other.say("I stay")
    call_command("erase_user", tab.user["id"], "--reason=subject_request")
    tab.expect("forget")
    assert tab.closed()
    assert other.say("and am heard")
    assert Erasure.objects.get().receipt
    assert str(ChatUser.objects.get().uuid) == other.user["id"]


@pytest.mark.usefixtures("worker")
def test_what_an_import_brings_shows_at_the_server(server: Server, admin: Account, tmp_path: Path) -> None:
    ana = make_person("Ana")
    path = write(ana, tmp_path)
    ana.delete()
    with StaffBrowser(server, admin).live() as page:
        page.watch(list="")
        assert bring_in(path)[0] == 0
        assert f'data-counted="{ana.uuid}"' in page.expect('data-slot="newcomers"')


@pytest.mark.usefixtures("alone", "nothing_by_command")
def test_alone_it_erases() -> None:
    person = make_talker("Ana", 10)
    call_command("erase_user", str(person.uuid), "--reason=test")
    assert Erasure.objects.get().receipt and not ChatUser.objects.exists()


@pytest.mark.usefixtures("alone")
def test_alone_it_writes_exports(admin: Account) -> None:
    people = [make_talker("Ana", 10), make_talker("Bo", 10)]
    export = export_jobs.propose(ids=[person.pk for person in people], actor=admin)
    export_jobs.start(export_id=export.pk, form=Form.JSON, leave_out=[], actor=admin)
    until(lambda: Export.objects.filter(pk=export.pk, state="done").exists())
    with zipfile.ZipFile(export_files.path_of(export)) as zipped:
        names = {json.loads(zipped.read(f"{person.uuid}.json"))["profile"]["name"] for person in people}
    assert names == {"Ana", "Bo"}


@pytest.mark.usefixtures("alone", "nothing_by_command")
def test_alone_it_runs_retention(admin: Account, capsys: Any) -> None:
    make_talker("Ana", 100)
    make_talker("Stays", 10)
    make_rule("everything", admin)
    call_command("apply_retention")
    assert "people 1" in capsys.readouterr().out
    assert [person.name for person in ChatUser.objects.all()] == ["Stays"]
    assert RetentionRun.objects.get().state == "done" and Erasure.objects.get().receipt


@pytest.mark.usefixtures("server")
def test_killed_it_leaves_the_jobs_to_the_server(worker: Worker) -> None:
    first = bury(make_person("Ana"))
    until(lambda: is_finished(first))
    time.sleep(workers.LOOK_SECONDS + 1)  # the server has looked by now
    worker.pause()
    erasure = bury(make_person("Bo"))
    time.sleep(STILL_HELD_SECONDS)
    assert not is_finished(erasure), "while its lease runs the server leaves them to it"
    worker.kill()
    until(lambda: is_finished(erasure))
    assert not workers.some_live()


def test_another_worker_goes_on(alone: Worker) -> None:
    other = Worker().start()
    try:
        alone.kill()
        erasure = bury(make_person("Ana"))
        until(lambda: is_finished(erasure))
        assert workers.some_live()
    finally:
        other.kill()


@pytest.mark.parametrize("how", ["stop", "interrupt"])
def test_asked_to_end_it_leaves_them_at_once(server: Server, worker: Worker, how: str) -> None:
    said = [worker.said().count(word) for word in (STARTED, STOPPED)]
    assert workers.some_live()
    assert getattr(worker, how)() == 0
    assert not workers.some_live()
    assert [worker.said().count(word) for word in (STARTED, STOPPED)] == [said[0], said[1] + 1]
    erasure = bury(make_person("Ana"))
    until(lambda: is_finished(erasure))


def test_it_prepares_a_database_that_no_server_has(fresh_database: str) -> None:
    """Whichever of them is started first."""
    worker = Worker(DATABASE_URL=fresh_database, REDIS_PREFIX=f"fresh-{secrets.token_hex(8)}").start()
    assert worker.stop() == 0
    assert STOPPED in worker.said() and "failed" not in worker.said()
