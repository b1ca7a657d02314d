"""What SQLite's files keep of somebody who was erased. SQL finds nothing either way, so the bytes are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from exports import overwriting
from exports.erasure import erase, file, resume_unfinished
from exports.models import Erasure
from exports.register import REGISTER
from staff.models import Account
from tests.exports.people import Marked, make_marked
from tests.exports.sweep import files_with, indexed_terms, places_of

pytestmark = pytest.mark.django_db(transaction=True)
INDEXES = [table for declared in REGISTER for table in declared.search_tables]


@pytest.fixture
def goes(admin: Account) -> Marked:
    marked = make_marked("zqxwvjk")
    make_marked("quokkabay")
    return marked


@pytest.fixture
def reader(goes: Marked) -> Iterator[sqlite3.Connection]:
    """Somebody else's open look at the database, which keeps the write-ahead log in use."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM users_chatuser").fetchall()
    yield other
    other.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overwriting, "WAIT_MILLISECONDS", 5)


def test_no_byte_is_left_in_the_files(admin: Account, goes: Marked) -> None:
    assert all(
        files_with(mark) for mark in goes.marks if mark.startswith(("name", "email", "body", "token"))
    ), "planted"
    result = erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert result.overwritten
    assert files_with("zqxwvjk") == set()
    assert files_with(goes.person.uuid.hex) == set()
    assert files_with("bodyquokkabay") == {"main"}


def test_without_it_the_bytes_would_stay(
    admin: Account, goes: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overwriting, "overwrite", lambda seconds=None: True)
    erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert places_of("zqxwvjk") - set(map("{}_data".format, INDEXES)) == set(), "SQL finds no row"
    assert files_with("zqxwvjk")


def test_the_indexes_forget_their_terms(admin: Account, goes: Marked) -> None:
    messages, people = sorted(INDEXES)
    assert "bodyzqxwvjk" in indexed_terms(messages)
    assert "zqx" in indexed_terms(people)
    erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert not [term for term in indexed_terms(messages) if "zqx" in term]
    assert not indexed_terms(people) & {"zqx", "qxw", "xwv", "wvj", "vjk"}
    assert "bodyquokkabay" in indexed_terms(messages)
    assert "okk" in indexed_terms(people)


def test_every_connection_overwrites_what_it_frees() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_while_somebody_reads_it_is_busy_and_done_later(
    admin: Account, goes: Marked, reader: sqlite3.Connection
) -> None:
    result = erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert not result.overwritten
    assert result.counts["messages"] == 5
    assert Erasure.objects.get().finished_at is None
    assert files_with("zqxwvjk")
    assert resume_unfinished() == 0, "still busy"
    reader.execute("COMMIT")
    assert resume_unfinished() == 1
    assert Erasure.objects.get().finished_at
    assert files_with("zqxwvjk") == set()


def test_the_usual_patience_with_a_busy_database_is_kept(goes: Marked) -> None:
    def patience() -> int:
        with connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])

    usual = patience()
    assert usual > 1_000
    assert overwriting.overwrite()
    assert patience() == usual


def test_a_database_that_is_locked_is_no_crash(goes: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> bool:
        raise OperationalError("database is locked")

    monkeypatch.setattr(overwriting, "_log_emptied", locked)
    assert overwriting.overwrite() is False


def test_what_was_kept_to_look_for_is_in_no_file_afterwards(admin: Account, goes: Marked) -> None:
    file(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    sealed = Erasure.objects.get().known
    assert sealed and files_with(sealed)
    assert resume_unfinished() == 1
    assert files_with(sealed) == set()
