"""A statement that takes too long is cut off, done again, and at last left to take as long as it takes."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction

from exports import short
from exports.short import in_short_transaction
from tests.factories import make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_gives_back_what_the_work_gives_and_it_is_committed() -> None:
    assert in_short_transaction(lambda: make_person("Ana").name) == "Ana"
    assert ChatUser.objects.get().name == "Ana"


def test_within_another_transaction_it_is_refused() -> None:
    """It would hold what it locks until the other ends."""
    with transaction.atomic(), pytest.raises(RuntimeError):
        in_short_transaction(lambda: None)


def test_a_failure_is_no_time_out() -> None:
    tried: list[int] = []

    def fail() -> None:
        tried.append(1)
        make_person("Ana")
        raise OperationalError("disk full")

    with pytest.raises(OperationalError, match="disk full"):
        in_short_transaction(fail)
    assert len(tried) == 1 and not ChatUser.objects.exists()


if connection.vendor == "postgresql":  # SQLite has one writer, and no statement of ours that waits

    def sleep(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [seconds])

    def setting(name: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting(%s)", [name])
            return str(cursor.fetchone()[0])

    def test_one_that_takes_too_long_is_undone_and_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(short, "MILLISECONDS", 50)
        waits, cuts = iter([5.0, 5.0, 0.0]), list[str]()

        def work() -> str:
            person = make_person("Ana")
            sleep(next(waits))
            return person.name

        assert in_short_transaction(work, lambda: cuts.append("cut")) == "Ana"
        assert cuts == ["cut", "cut"]
        assert ChatUser.objects.count() == 1, "what was cut off left nothing"

    def test_the_last_one_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(short, "MILLISECONDS", 20)
        monkeypatch.setattr(short, "TRIES", 3)
        cuts: list[str] = []
        in_short_transaction(lambda: sleep(0.2), lambda: cuts.append("cut"))
        assert cuts == ["cut", "cut"]

    def test_its_settings_end_with_it() -> None:
        names = ("enable_seqscan", "enable_bitmapscan", "statement_timeout")
        before = [setting(name) for name in names]
        assert in_short_transaction(lambda: [setting(name) for name in names]) == ["off", "off", "150ms"]
        assert [setting(name) for name in names] == before
