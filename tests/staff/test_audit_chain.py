"""The chain of the audit log: a line that was changed, moved, taken out or put in is named."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from staff import audit_proof
from staff.audit_chain import link_of
from staff.audit_mac import marked
from staff.audit_sealing import seal
from staff.models import Account, AuditChain, AuditEntry
from tests.staff.chain import at, lines, sealed, swap, tamper, wrong

pytestmark = pytest.mark.django_db


def ago(**time: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**time)


def test_a_log_that_nobody_touched_is_whole(support: Account) -> None:
    assert wrong() == []
    sealed(3, actor=support)
    sealed(4, days=0.5)
    lines(2, days=0.25)  # not sealed yet
    assert wrong() == []
    assert list(AuditEntry.objects.order_by("at").values_list("position", flat=True)) == [
        *range(1, 8),
        None,
        None,
    ]


def test_it_is_whole_over_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_proof, "LINES_AT_ONCE", 3)
    sealed(9)
    assert wrong() == []
    AuditEntry.objects.filter(position__in=[3, 4]).delete()
    assert wrong() == ["lines 3 to 4: missing", "line 5: can't be proven without the line before it"]


@pytest.mark.parametrize(
    "values",
    [
        {"verb": "user.edited"},
        {"actor_name": "Somebody Else"},
        {"actor": None},
        {"person_hash": "0" * 64},
        {"detail": {}},
        {"detail": {"tab": "activity", "number": 4, "a": [1, 2.5, 0]}},
        {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
        {"link": "0" * 64},
        {"link": None},
    ],
    ids=str,
)
def test_a_changed_line(support: Account, values: dict[str, object]) -> None:
    sealed(8, actor=support)
    tamper(5, **values)
    assert wrong() == ["line 5: changed"]


def test_the_first_and_the_last_line_changed() -> None:
    sealed(4)
    tamper(1, verb="x.y")
    tamper(4, verb="x.y")
    assert wrong() == ["line 1: changed", "line 4: changed"]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([1], ["line 1: missing", "line 2: can't be proven without the line before it"]),
        ([3], ["line 3: missing", "line 4: can't be proven without the line before it"]),
        ([5], ["line 5: missing"]),
        ([4, 5], ["lines 4 to 5: missing"]),
        ([1, 2, 3, 4, 5], ["lines 1 to 5: missing"]),
    ],
)
def test_deleted_lines(gone: list[int], said: list[str]) -> None:
    sealed(5)
    AuditEntry.objects.filter(position__in=gone).delete()
    assert wrong() == said


@pytest.mark.parametrize(("one", "other"), [(2, 6), (3, 4), (1, 7)])
def test_moved_lines(one: int, other: int) -> None:
    sealed(7)
    swap(one, other)
    assert wrong() == [f"line {one}: moved: it was line {other}", f"line {other}: moved: it was line {one}"]


def test_a_line_moved_to_the_end_leaves_a_gap() -> None:
    sealed(5)
    tamper(2, position=6)
    assert wrong() == [
        "line 2: missing",
        "line 6: moved: it was line 2",
    ]


def test_a_line_that_was_put_in() -> None:
    sealed(4)
    forged = AuditEntry(at=timezone.now(), verb="user.viewed", position=5, link=at(4).link)
    forged.save()
    assert wrong() == ["line 5: forged: behind the end of the chain"]
    # Also where the chain's end is written to fit.
    AuditChain.objects.update(position=5, head=forged.link)
    assert wrong() == ["line 5: changed"]
    AuditEntry.objects.filter(pk=forged.pk).update(position=0)
    AuditChain.objects.update(position=4, head=at(4).link)
    assert wrong() == ["line 0: forged: before the beginning of the log"]


def test_a_tail_that_was_cut_off_with_the_chains_end_put_right_fits() -> None:
    sealed(5)
    AuditEntry.objects.filter(position__gt=3).delete()
    assert wrong() == ["lines 4 to 5: missing"]
    AuditChain.objects.update(position=3, head=at(3).link)
    assert wrong() == []  # which is why seals are logged: test_audit_seals.py


def test_the_chains_end_with_another_link() -> None:
    sealed(3)
    AuditChain.objects.update(head="0" * 64)
    assert wrong() == ["line 3: changed: the chain ends with another link"]


def test_the_links_of_another_secret_fit_nowhere(settings: Settings) -> None:
    sealed(3)
    before = link_of(at(2), 2, "0" * 64)
    settings.SECRET_KEY = "another secret"
    assert link_of(at(2), 2, "0" * 64) != before
    assert wrong() == ["line 1: changed", "line 2: changed", "line 3: changed"]


def test_very_many_wrong_lines_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_proof, "MOST_TRIED", 2)
    sealed(6)
    AuditEntry.objects.update(verb="x.y")
    assert sorted(wrong()) == [f"line {number}: changed" for number in range(1, 7)]


def test_whatever_a_line_holds_is_sealed_and_proven() -> None:
    details: list[Any] = [
        {"é": "日本 🎉", "n": 2**80, "f": 0.1, "deep": {"b": [{}], "a": None}},
        [],
        "text",
        {},
    ]
    if connection.vendor == "sqlite":  # PostgreSQL refuses half a surrogate pair
        details.append({"half": "\ud83d"})
    for detail in details:
        marked(AuditEntry(at=ago(days=1), verb="user.viewed", detail=detail)).save()
    assert seal() == len(details) and wrong() == []
    tamper(1, detail={**details[0], "n": 2**80 + 1})
    assert wrong() == ["line 1: changed"]


def test_fresh_lines_wait() -> None:
    sealed(1)
    marked(AuditEntry(verb="user.viewed")).save()
    marked(AuditEntry(verb="user.viewed", at=ago(seconds=3))).save()
    assert seal() == 0
    marked(AuditEntry(verb="user.blocked", at=ago(seconds=6))).save()
    assert seal() == 1
    assert at(2).verb == "user.blocked"


def test_a_line_that_became_visible_late_takes_its_place_behind_those_before_it() -> None:
    sealed(3)
    lines(1, days=10)
    assert seal() == 1
    assert at(4).at < at(1).at
    assert wrong() == []
