"""What PostgreSQL's dump and files hold of somebody who was erased: what the receipt says of them is true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

import pytest
from django.db import connection

from exports.erasure import erase
from exports.models import Erasure
from staff.models import Account
from tests.exports.people import make_marked

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ("users_chatuser", "conversations_message", "users_note")


def dump() -> str:
    """The database as a backup has it."""
    program = shutil.which("pg_dump")
    if program is None:
        pytest.skip("there is no pg_dump")
    held = connection.settings_dict
    words = [program, "-h", held["HOST"], "-p", str(held["PORT"] or 5432), "-U", held["USER"], held["NAME"]]
    environment = {**os.environ, "PGPASSWORD": held["PASSWORD"] or ""}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_with(text: str) -> set[str]:
    """The tables whose files have the bytes of `text`."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        found = set()
        for table in TABLES:
            cursor.execute(
                "SELECT position(convert_to(%s, 'UTF8') in pg_read_binary_file(pg_relation_filepath(%s))) > 0",
                [text, table],
            )
            if cursor.fetchone()[0]:
                found.add(table)
        return found


@pytest.fixture(autouse=True)
def superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        if cursor.fetchone()[0] != "on":
            pytest.skip("reading the database's files needs a superuser")


def test_a_dump_has_nothing_of_them_and_all_of_the_other(admin: Account) -> None:
    goes, stays = make_marked("zebrafin").person, make_marked("quokkabay")
    before = dump()
    assert "bodyzebrafin" in before and "notezebrafin" in before
    erase(chat_user_uuid=goes.uuid, actor=admin, reason="test")
    after = dump()
    assert "zebrafin" not in after and str(goes.uuid) not in after
    assert [mark for mark in stays.marks if mark not in after] == []


def test_the_files_hold_it_until_the_table_is_rewritten_as_the_receipt_says(admin: Account) -> None:
    goes = make_marked("zebrafin").person
    make_marked("quokkabay")
    assert files_with("zebrafin") == set(TABLES)
    erase(chat_user_uuid=goes.uuid, actor=admin, reason="test")
    receipt = json.loads(Erasure.objects.get().receipt or "")
    [said] = [left["what"] for left in receipt["left"] if left["where"] == "database_files"]
    assert "VACUUM FULL" in said
    assert files_with("zebrafin"), "so it is no lie"
    # Rows that somebody's transaction might still see are taken along, and the server looks through its tables itself.
    deadline = time.monotonic() + 60
    while files_with("zebrafin") and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f'VACUUM FULL "{table}"')
    assert files_with("zebrafin") == set()
    assert files_with("quokkabay") == set(TABLES)
