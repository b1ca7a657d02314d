"""exports/index_levels.py: an FTS5 index whose list of levels is kept short, however often it is brought into one piece."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from exports import overwriting
from exports.index_levels import KEPT_LEVELS, MOST_LEVELS, RECORD, SECOND_FORM, Levels, shorten
from tests.exports.sweep import indexed_terms
from tests.factories import make_messages, make_person

TABLE = "conversations_message_fts"
# Two pieces being joined, an empty level, a level with one large piece.
BLOCK = bytes([0, 0, 0, 7, 3, 3, 0x81, 0x00, 2, 2, 5, 1, 9, 6, 1, 9, 0, 0, 0, 1, 4, 1, 0x87, 0x68])

# More than a page of the index: smaller ones are put beside what is written next.
LARGE = " ".join(f"{number * 7_919:x}" for number in range(1_500))


def record() -> Levels:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT block FROM {TABLE}_data WHERE id = {RECORD}")
        found = Levels.read(cursor.fetchone()[0])
    assert found is not None
    return found


def test_a_record_is_read_and_written_again() -> None:
    found = Levels.read(BLOCK)
    assert found is not None
    assert (found.pieces, found.writes) == (3, 128)
    assert found.levels == ((2, 2, 5, 1, 9, 6, 1, 9), (0, 0), (0, 1, 4, 1, 1000))
    assert found.block == BLOCK and not found.is_resting


@pytest.mark.parametrize("block", [b"", BLOCK[:-1], BLOCK + b"\1", BLOCK[:4] + SECOND_FORM + BLOCK[4:]])
def test_what_is_not_understood_is_left_alone(block: bytes) -> None:
    assert Levels.read(block) is None


def test_only_empty_levels_go_and_the_lowest_stay() -> None:
    large, small, empty = (0, 1, 1, 1, 900), (0, 1, 7, 1, 2), (0, 0)
    levels = Levels(b"1234", 3, 9, (small, *[empty] * 30, large, *[empty] * 40, large))
    assert levels.shortened().levels == (small, *[empty] * (KEPT_LEVELS - 1), large, large)


@pytest.mark.django_db(transaction=True)
def test_it_stays_short_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        with pytest.raises(DatabaseError):
            shorten(TABLE)
        return
    monkeypatch.setattr(overwriting, "WAIT_MILLISECONDS", 5)
    person, most = make_person("Ana"), 0
    make_messages(person, ("visitor", LARGE))
    for number in range(MOST_LEVELS):
        make_messages(person, ("visitor", f"word{number}"))
        assert overwriting.overwrite()
        most = max(most, len(record().levels))
    assert KEPT_LEVELS < most <= MOST_LEVELS, "it was shortened meanwhile"
    assert len(record().levels) < most
    assert {f"word{number}" for number in range(MOST_LEVELS)} <= indexed_terms(TABLE)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE}({TABLE}, rank) VALUES ('integrity-check', 1)")
