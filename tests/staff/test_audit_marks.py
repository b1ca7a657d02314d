"""A line that this program didn't record is not sealed as if it had been: each has a mark from the start."""

from __future__ import annotations

import copy
import datetime as dt
import hmac
import json
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import structlog
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import JSONField, Value
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from staff import audit, audit_sealing
from staff.audit_doubts import COPY, KEPT_BACK, NOT_OURS
from staff.audit_mac import is_marked
from staff.audit_sealing import seal, seal_now
from staff.models import Account, AuditChain, AuditEntry
from tests.factories import make_person
from tests.staff.chain import ANN, at, lines, sealed, tamper, verify, wrong

pytestmark = pytest.mark.django_db
taken_over = import_module("staff.migrations.0010_audit_taken_over")


def ago(**time: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**time)


def put_in(**values: Any) -> AuditEntry:
    """Writes a line as somebody does who has the database and not the key."""
    entry = AuditEntry(**{"at": ago(days=1), "verb": "user.viewed", **values})
    entry.save()
    return entry


def unsealed(entry: AuditEntry, what: str) -> str:
    return f"unsealed line {entry.pk}: {what}"


@pytest.mark.parametrize(
    "values",
    [{}, {"nonce": "0" * 32, "mac": "0" * 64}, {"nonce": "", "mac": ""}, {"at": ago(days=-400)}],
    ids=["no mark", "any mark", "empty", "of a time to come"],
)
def test_a_line_put_in_is_never_sealed_and_is_named(values: dict[str, Any]) -> None:
    sealed(2)
    forged = put_in(**values)
    lines(1, days=0.5)
    assert wrong() == [unsealed(forged, NOT_OURS)]
    assert [seal(), seal(), seal_now()] == [1, 0, 0]
    forged.refresh_from_db()
    assert (forged.position, forged.link) == (None, None)
    assert wrong() == [unsealed(forged, NOT_OURS)]
    status, said = verify()
    assert status == 1 and "Not whole: 1" in said


@pytest.mark.parametrize(
    "values",
    [
        {"verb": "user.edited"},
        {"actor_name": "Somebody Else"},
        {"actor": None},
        {"person_hash": "0" * 64},
        {"detail": {}},
        {"at": ago(days=3)},
        {"at": ago(days=-3)},
        {"nonce": "0" * 32},
        {"mac": None},
    ],
    ids="".join,
)
def test_a_line_changed_before_it_was_sealed(support: Account, values: dict[str, Any]) -> None:
    [line] = lines(1, actor=support)
    assert wrong() == [] and is_marked(AuditEntry.objects.get())
    AuditEntry.objects.update(**values)
    assert wrong() == [unsealed(line, NOT_OURS)]
    assert seal_now() == 0
    assert wrong() == [unsealed(line, NOT_OURS)]


@pytest.mark.parametrize("is_sealed", [True, False])
def test_a_copy_of_a_line(is_sealed: bool) -> None:
    [line] = lines(1)
    if is_sealed:
        assert seal() == 1
    copied = copy.copy(AuditEntry.objects.get())
    copied.pk, copied.position, copied.link = None, None, None
    copied.save(force_insert=True)
    assert wrong() == [unsealed(copied, COPY)]
    assert seal_now() == (0 if is_sealed else 1)
    assert at(1).pk == line.pk
    assert wrong() == [unsealed(copied, COPY)]


def test_a_copy_with_other_words_keeps_nobody_elses_line_from_being_sealed() -> None:
    forged = put_in()
    [line] = lines(1)
    AuditEntry.objects.filter(pk=forged.pk).update(at=line.at, nonce=line.nonce, mac=line.mac, verb="x.y")
    assert seal() == 1 and at(1).pk == line.pk
    assert wrong() == [unsealed(forged, NOT_OURS)]


def test_many_that_were_put_in_hold_up_nothing(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    monkeypatch.setattr(audit_sealing, "LINES_AT_ONCE", 2)
    for _ in range(5):
        put_in(at=ago(days=9))
    lines(3)
    with structlog.testing.capture_logs() as said, django_capture_on_commit_callbacks(execute=True):
        assert seal_now() == 3
    assert [line["count"] for line in said if line["event"] == "audit.refused"] == [2, 2, 1]
    assert len(wrong()) == 5 and set(AuditEntry.objects.filter(is_refused=True)) == set(
        AuditEntry.objects.filter(position=None)
    )


def test_a_line_of_ours_that_somebody_marks_as_refused_is_named() -> None:
    [line] = lines(1)
    AuditEntry.objects.update(is_refused=True)
    assert seal() == 0
    assert wrong() == [unsealed(line, KEPT_BACK)]


def test_a_line_recorded_while_the_clock_was_ahead_is_sealed_at_once() -> None:
    lines(1, days=-1)
    assert verify()[1].count("1 not sealed yet, 1 of them of a time to come") == 1
    assert seal() == 1 and wrong() == []


def test_what_waits_for_long_is_counted() -> None:
    lines(2, days=0.1)
    audit.record(actor=None, verb="user.viewed")
    status, said = verify()
    assert status == 0
    assert "3 not sealed yet, 2 of them for more than a minute: does a server run?" in said
    assert seal_now() == 3
    assert "; 0 not sealed yet." in verify()[1]


def test_marks_of_another_secret_are_not_ours(settings: Settings) -> None:
    [line] = lines(1)
    settings.SECRET_KEY = "another secret"
    assert wrong() == [unsealed(line, NOT_OURS)]


@pytest.mark.parametrize(
    "detail",
    [
        {"é": "日本 🎉", "n": 2**80, "f": 0.1, "deep": {"b": [{}], "a": None}},
        {"whole": 1.0, "large": 1e16, "larger": 1e22, "small": 1e-7, "tuple": (1, 2), 3: "a number's name"},
        {"a": True, "b": -0.0},
    ],
    ids=["deep", "numbers", "signs"],
)
def test_a_mark_holds_for_what_the_database_gives_back(detail: dict[str, Any], admin: Account) -> None:
    audit.record(actor=admin, verb="user.viewed", person=ANN, detail=detail, by="a key")
    audit.record_many(actor=admin, verb="user.viewed", people=[ANN, uuid.uuid4()], detail=detail)
    assert [is_marked(entry) for entry in AuditEntry.objects.all()] == [True] * 3
    assert len(set(AuditEntry.objects.values_list("nonce", flat=True))) == 3
    AuditEntry.objects.update(detail=Value({**detail, "a": "else"}, JSONField()))
    assert [is_marked(entry) for entry in AuditEntry.objects.all()] == [False] * 3


def test_many_lines_are_one_statement() -> None:
    with CaptureQueriesContext(connection) as asked:
        audit.record_many(actor=None, verb="user.viewed", people=[uuid.uuid4() for _ in range(60)], detail={})
    assert sum("INSERT" in query["sql"] for query in asked.captured_queries) == 1


def test_lines_that_were_made_before_are_marked_as_they_are_added() -> None:
    audit.record_entries([audit.entry(actor=None, verb="user.viewed", person=ANN) for _ in range(2)])
    assert seal_now() == 2 and wrong() == []


def test_the_mark_of_a_sealed_line_is_proven_with_it() -> None:
    sealed(3)
    AuditEntry.objects.filter(position=2).update(mac=None)
    assert wrong() == ["line 2: changed"]


def test_what_was_there_before_marks_is_taken_as_it_is_and_a_line_says_so() -> None:
    sealed(2)
    bare = [put_in(), put_in()]
    taken_over.take_over(apps, None)
    assert seal_now() == 3 and wrong() == []
    mark = AuditEntry.objects.get(verb="audit.taken_over")
    assert (mark.position, mark.detail) == (5, {"lines": 4, "unsealed": 2})
    assert {at(3).pk, at(4).pk} == {entry.pk for entry in bare}
    status, said = verify()
    assert status == 0 and "Lines up to 5 are older than the marks" in said
    # From then on each needs one.
    late = put_in()
    assert seal_now() == 0 and wrong() == [unsealed(late, NOT_OURS)]


def test_lines_sealed_before_there_were_marks_are_proven_as_they_were(settings: Settings) -> None:
    line = put_in()
    # The link as it was made then: over what the line says, its place and the link before it.
    key = hmac.digest(settings.SECRET_KEY.encode(), b"chatadmin audit chain", "sha256")
    moment = line.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    said = json.dumps(["0" * 64, 1, line.pk, moment, None, "", "user.viewed", "", {}], separators=(",", ":"))
    link = hmac.new(key, said.encode(), "sha256").hexdigest()
    AuditEntry.objects.update(position=1, link=link)
    AuditChain.objects.create(pk=1, position=1, head=link)
    sealed(2, days=0.5)
    assert wrong() == []
    tamper(1, verb="x.y")
    assert wrong() == ["line 1: changed"]


def test_an_empty_log_is_not_told_that_it_was_taken_over() -> None:
    taken_over.take_over(apps, None)
    assert not AuditEntry.objects.exists()
    assert "older" not in verify()[1]


def _export(person: uuid.UUID) -> None:
    call_command("export_user", str(person), "--format", "json")


def _fail(person: uuid.UUID) -> None:
    audit.record(actor=None, verb="user.viewed", person=person)
    with pytest.raises(CommandError):
        call_command("export_user", str(uuid.uuid4()), "--format", "json")


@pytest.mark.parametrize("command", [_export, _fail])
def test_a_command_seals_what_it_recorded(
    command: Callable[[uuid.UUID], None], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    person = make_person("Ada")
    command(person.uuid)
    assert AuditEntry.objects.filter(person_hash=audit.person_hash(person.uuid)).exists()
    assert not AuditEntry.objects.filter(position=None).exists()
    assert wrong() == []
