"""Each seal goes to the server's log: a tail cut off the table, or an older table, doesn't agree with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from chatadmin.lib import log
from staff import audit_sealing
from staff.audit_seals import Seal, seals_in
from staff.models import AuditChain, AuditEntry
from tests.staff.chain import ANN, at, lines, sealed, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Path:
    """Three seals, as the server's own log tells them among other lines."""
    before = structlog.get_config()
    log.configure()
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(3):
            sealed(4, days=3 - number)
    structlog.get_logger("chatadmin.jobs").info("jobs.done", number=7)
    path = tmp_path / "server.log"
    path.write_text(f"Started.\n{capfd.readouterr().err}")
    structlog.configure(**before)
    return path


def test_seals_are_told_with_number_count_place_and_head(told: Path) -> None:
    found = list(seals_in(told.read_text().splitlines()))
    assert found == [Seal(n, 4 * n, at(4 * n).link or "") for n in (1, 2, 3)]
    text = told.read_text()
    assert text.count("event=audit.sealed") == text.count("count=4") == 3
    assert str(ANN) not in text and at(1).person_hash not in text


def test_a_whole_log_agrees(told: Path) -> None:
    status, said = verify(told)
    assert status == 0, said
    assert "Whole: lines 1 to 12, seal 3" in said and "that agree: 3" in said


def test_a_cut_tail(told: Path) -> None:
    AuditEntry.objects.filter(position__gt=7).delete()
    AuditChain.objects.update(position=7, head=at(7).link, seals=1)
    assert verify()[0] == 0
    status, said = verify(told)
    assert status == 1
    assert "line 8: missing: seal 2 is on it, the log ends at line 7" in said
    assert "line 12: missing: seal 3 is on it" in said and "Not whole: 2" in said


def test_a_cut_tail_that_grew_again(told: Path) -> None:
    AuditEntry.objects.filter(position__gt=7).delete()
    AuditChain.objects.update(position=7, head=at(7).link, seals=1)
    sealed(9, days=0.5)
    assert verify()[0] == 0
    status, said = verify(told)
    assert status == 1
    assert "line 8: changed or missing: seal 2 is on another line" in said
    assert "line 12: changed or missing: seal 3 is on another line" in said


def test_a_log_without_seals_proves_nothing(tmp_path: Path) -> None:
    sealed(1)
    path = tmp_path / "server.log"
    path.write_bytes(b"event=audit.sealed number=1 position=1 head=short\n\xff event=jobs.done\n")
    with pytest.raises(CommandError, match="no seal"):
        verify(path)
    with pytest.raises(CommandError, match=r"missing\.log"):
        verify(tmp_path / "missing.log")


def test_a_seal_is_few_queries_however_many_lines() -> None:
    sealed(1)
    counts = []
    for number in (3, 30):
        lines(number)
        with CaptureQueriesContext(connection) as asked:
            assert audit_sealing.seal() == number
        counts.append(len(asked.captured_queries))
    assert counts[0] == counts[1] < 12


def test_a_backlog_is_left_to_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_sealing, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(audit_sealing, "SECONDS", 0.0)
    lines(5)
    assert [audit_sealing.seal() for _ in range(4)] == [2, 2, 1, 0]
    assert AuditChain.objects.get().seals == 3
