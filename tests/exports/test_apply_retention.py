"""`manage.py apply_retention [--dry-run]`."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from chatadmin.lib.models import Job
from exports import retention, waiting
from exports.management.commands import apply_retention
from exports.retention_models import RetentionRun
from staff.models import Account, AuditEntry
from tests.exports.retaining import ago, make_rule, make_talker
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that other tests started on this database takes jobs too, but not of a kind that it doesn't know.
    monkeypatch.setattr(retention, "KIND", "retention.tested")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_retention, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "TAKEN_WITHIN_SECONDS", 0.0)


def said(*words: str) -> list[str]:
    out = io.StringIO()
    call_command("apply_retention", *words, stdout=out)
    return out.getvalue().splitlines()


def test_a_dry_run_changes_nothing_and_says_what_would_go(admin: Account) -> None:
    make_rule("everything", admin)
    make_rule("visits", admin)
    make_rule("activity", admin, on=False)
    make_talker("Ana", 200, 95)
    lines = AuditEntry.objects.count()
    assert said("--dry-run") == [
        f"everything of everyone after 90 days: would delete 1 people, 4 messages, the oldest of {ago(95):%Y-%m-%d}",
        f"visits of everyone after 90 days: would delete 1 people, 2 rows, the oldest of {ago(200):%Y-%m-%d}",
    ]
    assert ChatUser.objects.count() == 1
    assert (Job.objects.count(), RetentionRun.objects.count(), AuditEntry.objects.count()) == (0, 0, lines)


def test_it_runs_what_is_due_also_a_second_time_on_one_day(admin: Account) -> None:
    make_rule("everything", admin)
    make_talker("Ana", 200)
    assert said() == ["everything of everyone after 90 days: done: messages 2, people 1"]
    assert not ChatUser.objects.exists()
    make_talker("Bo", 200)
    assert said() == ["everything of everyone after 90 days: done: messages 2, people 1"]
    assert not ChatUser.objects.exists()


def test_without_a_rule_it_says_so() -> None:
    assert said() == said("--dry-run") == ["No rule is on."]
