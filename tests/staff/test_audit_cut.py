"""Retention of the audit log cuts a beginning off and leaves a signed checkpoint."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.utils import timezone
from pytest_django.fixtures import Settings

from chatadmin.lib import signatures
from staff import audit_cut
from staff.audit_chain import signed_text
from staff.audit_cut import cut
from staff.audit_sealing import seal_now
from staff.models import Account, AuditChain, AuditCheckpoint, AuditEntry
from tests.staff.chain import at, lines, sealed, tamper, verify, wrong

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def ago(days: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


@pytest.fixture
def log() -> None:
    """Five lines of three years ago, then four of yesterday."""
    sealed(5, days=1100)
    sealed(4, days=1)


def left() -> list[int | None]:
    return list(AuditEntry.objects.order_by("position").values_list("position", flat=True))


def test_the_beginning_goes_and_the_rest_is_proven(log: None, admin: Account) -> None:
    head = at(5).link
    assert cut(ago(1000), actor=admin) == 5
    mark = AuditCheckpoint.objects.get()
    assert (mark.position, mark.head, mark.lines) == (5, head, 5)
    assert AuditEntry.objects.filter(position__lte=5).count() == 0
    line = AuditEntry.objects.get(verb="audit.cut")
    assert (line.actor, line.detail["lines"]) == (admin, 5)
    assert wrong() == []
    status, said = verify()
    assert status == 0 and "Whole: lines 6 to 9" in said
    assert cut(ago(1000)) == 0 and AuditCheckpoint.objects.count() == 1


def test_the_rest_is_proven_from_the_checkpoint(log: None) -> None:
    cut(ago(1000))
    tamper(6, verb="x.y")
    assert wrong() == ["line 6: changed"]
    AuditEntry.objects.filter(position=6).delete()
    assert wrong()[0] == "line 6: missing"


def test_what_goes_on_is_sealed_behind_it(log: None) -> None:
    cut(ago(1000))
    sealed(3, days=0.5)
    assert wrong() == []
    assert cut(ago(0.6)) == 4
    assert cut(ago(0.1)) == 3
    assert AuditCheckpoint.objects.count() == 3
    assert wrong() == []


def test_everything_sealed_may_go(log: None) -> None:
    assert cut(timezone.now()) == 9
    assert wrong() == []
    assert left() == [None]  # the line about the cut itself
    assert seal_now() == 1 and wrong() == []
    assert left() == [10]


def test_nothing_is_cut_where_nothing_is_old(log: None) -> None:
    assert cut(ago(2000)) == 0
    assert left() == list(range(1, 10)) and not AuditCheckpoint.objects.exists()


def test_what_is_not_sealed_stays() -> None:
    lines(2, days=1000)
    assert cut(ago(1)) == 0
    assert AuditEntry.objects.count() == 2


def test_a_line_that_was_sealed_early_keeps_what_follows_it() -> None:
    sealed(2, days=100)
    sealed(1, days=1)
    sealed(2, days=100)
    assert cut(ago(50)) == 2
    assert 3 in left() and 5 in left() and wrong() == []


def test_a_cut_in_chunks_that_is_killed_goes_on(log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_cut, "LINES_AT_ONCE", 2)
    assert audit_cut._cut_some(ago(1000), 0) == 2
    assert left() == list(range(3, 10)) and wrong() == []
    assert cut(ago(1000)) == 3
    assert wrong() == []
    assert list(AuditCheckpoint.objects.order_by("position").values_list("position", "lines")) == [
        (2, 2),
        (5, 3),
    ]


def test_a_prefix_cut_by_somebody_else_is_missing(log: None) -> None:
    AuditEntry.objects.filter(position__lte=5).delete()
    assert wrong()[0] == "lines 1 to 5: missing"


def test_a_forged_checkpoint(log: None) -> None:
    forged = AuditCheckpoint(
        before=ago(1000), lines=5, position=5, head=at(5).link or "", signature="A" * 86 + "=="
    )
    forged.save()
    AuditEntry.objects.filter(position__lte=5).delete()
    found = wrong()
    assert found[:2] == ["line 5: forged: a checkpoint without our signature", "lines 1 to 5: missing"]


@pytest.mark.parametrize(
    "values",
    [{"position": 7}, {"head": "0" * 64}, {"lines": 4}, {"before": ago(1)}],
    ids=["position", "head", "lines", "before"],
)
def test_a_changed_checkpoint(log: None, values: dict[str, object]) -> None:
    cut(ago(1000))
    assert wrong() == []
    AuditCheckpoint.objects.update(**values)
    found = wrong()
    assert "forged: a checkpoint without our signature" in found[0]
    assert "lines 1 to 5: missing" in found[1]


def test_a_checkpoint_signed_by_another_installation(log: None, settings: Settings, tmp_path: Path) -> None:
    ours = settings.VAR_DIR
    settings.VAR_DIR = tmp_path / "other"
    made = AuditCheckpoint(at=ago(0), before=ago(1000), lines=5, position=5, head=at(5).link or "")
    made.signature = signatures.sign(signed_text(made))
    made.save()
    settings.VAR_DIR = ours
    AuditEntry.objects.filter(position__lte=5).delete()
    assert "line 5: forged: a checkpoint without our signature" in wrong()


def test_without_a_key_nothing_is_cut_and_nothing_proven(log: None, var: Path) -> None:
    (var / "signing.key").write_text("no key")
    with pytest.raises(signatures.NoKey):
        cut(ago(1000))
    assert left() == list(range(1, 10)) and not AuditCheckpoint.objects.exists()
    assert verify()[0] == 0
    AuditCheckpoint.objects.create(before=ago(1000), lines=5, position=5, head="0" * 64, signature="AAAA")
    with pytest.raises(CommandError, match=r"signing\.key"):
        verify()


def test_a_cut_while_the_log_is_proven_is_no_gap(log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from staff import audit_proof

    real = audit_proof._lines

    def cut_before_reading(*args: object, **named: object) -> object:
        monkeypatch.setattr(audit_proof, "_lines", real)
        cut(ago(1000))
        return real(*args, **named)

    monkeypatch.setattr(audit_proof, "_lines", cut_before_reading)
    assert wrong() == []
    assert AuditChain.objects.get().position == 9 and AuditCheckpoint.objects.exists()
