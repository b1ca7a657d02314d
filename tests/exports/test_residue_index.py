"""SQLite's full-text tables keep rows of their own: what is left there of somebody is found. PostgreSQL's indexes have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from exports.known import known_of
from exports.residue import Case
from tests.exports.people import make_marked
from tests.exports.test_residue import found


@pytest.mark.django_db(transaction=True)
def test_a_ghost_in_the_search_index_is_found(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    goes = make_marked("zebrafin")
    person = goes.person.pk
    ids = sorted(goes.person.messages.values_list("pk", flat=True))
    spans = {"messages": [ids[0], ids[-1]], "profile": [person, person]}
    with connection.cursor() as cursor:
        triggers = cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%delete%'"
        ).fetchall()
        assert triggers
        for name, _ in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        try:
            case = Case(person, known_of(goes.person), spans)
            goes.person.delete()
            assert found(case) == {"search_index": 5 + 1}
        finally:
            for _, sql in triggers:
                cursor.execute(sql)
            for table in ("conversations_message_fts", "users_chatuser_fts"):
                cursor.execute(f"INSERT INTO {table}({table}) VALUES ('rebuild')")
    assert found(case) == {}
