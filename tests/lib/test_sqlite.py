"""Threads of one process take turns to write to SQLite, in the order in which they asked."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from chatadmin.lib.sqlite.base import DatabaseWrapper, Turn, turn_of
from tests.factories import make_person
from tests.threads import disconnecting
from users.models import ChatUser


def waits(turn: Turn, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(turn.waiting) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_turn_goes_round_in_order():
    turn, order = Turn(), []

    def work(number: int) -> None:
        assert turn.take()
        order.append(number)
        turn.give()

    assert turn.take()
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        waits(turn, number + 1)
    turn.give()
    for thread in threads:
        thread.join(10)
    assert order == list(range(5))
    assert turn.take(0)


def test_who_waited_too_long_goes_without_and_holds_up_nobody():
    turn = Turn()
    assert turn.take() and not turn.take(0.01)
    turn.give()
    assert turn.take(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_writes_without_rest_lets_others_in():
    person = make_person("Ann")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            with transaction.atomic():
                ChatUser.objects.filter(pk=person.pk).update(name="busy")
                time.sleep(0.005)

    thread = threading.Thread(target=disconnecting(busy))
    thread.start()
    try:
        time.sleep(0.05)
        began = time.monotonic()
        for _ in range(20):
            with transaction.atomic():
                ChatUser.objects.filter(pk=person.pk).update(email="ann@site.example")
        taken = time.monotonic() - began
    finally:
        stop.set()
        thread.join(10)
    assert taken < 5
    assert ChatUser.objects.get().email == "ann@site.example"


def opened(path: Path) -> DatabaseWrapper:
    """A connection to that file, with a table in it."""
    given = {
        "ENGINE": "chatadmin.lib.sqlite",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
    made = DatabaseWrapper({**connection.settings_dict, **given}, alias="turns")
    with made.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS said (word TEXT)")
    return made


def begin(made: DatabaseWrapper) -> None:
    made.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    with made.cursor() as cursor:
        cursor.execute("INSERT INTO said VALUES ('word')")


@pytest.mark.django_db
@pytest.mark.parametrize(("end", "stays"), [("commit", 1), ("rollback", 0), ("close", 0)])
def test_however_a_transaction_ends_the_turn_is_given_on(tmp_path: Path, end: str, stays: int):
    first, second = opened(tmp_path / "turns.sqlite3"), opened(tmp_path / "turns.sqlite3")
    turn = turn_of(str(tmp_path / "turns.sqlite3"))
    begin(first)
    assert turn.is_taken
    getattr(first, end)()
    assert not turn.is_taken
    begin(second)
    assert turn.is_taken
    second.commit()
    with second.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM said").fetchone() == (1 + stays,)
    first.close()
    second.close()


@pytest.mark.django_db
def test_who_can_not_begin_holds_up_nobody(tmp_path: Path):
    path = tmp_path / "turns.sqlite3"
    made, turn = opened(path), turn_of(str(path))
    other = sqlite3.connect(path, isolation_level=None)  # as another process would
    other.execute("BEGIN IMMEDIATE")
    with made.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(OperationalError):
        begin(made)
    assert not turn.is_taken
    other.close()
    made.close()
