"""The word to type before a deletion: short, and within reach of every keyboard."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.forms import confirm_word
from users.models import ChatUser

UUID = uuid.UUID("7f3a2c91-0000-4000-8000-000000000000")


def word(name: str, messages: int = 214) -> str:
    return confirm_word(ChatUser(uuid=UUID, name=name), messages)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Mariam Okafor", "MARIAM-214"),
        ("  mariam ", "MARIAM-214"),
        ("Élodie Weiß", "ELODIE-214"),
        ("Straße", "STRASSE-214"),
        ("O'Brien", "OBRIEN-214"),
        ("Jean-Luc P.", "JEANLUC-214"),
        ("Bartholomäus-Maximilian", "BARTHOLOMAUS-214"),
    ],
)
def test_the_letters_of_the_first_name(name: str, made: str) -> None:
    assert word(name) == made


@pytest.mark.parametrize(
    "name", ["", "  ", "مريم", "田中さん", "🎉", "🎉 Bob", "Łukasz", "X", "007", "=1+1", "\u202e"]
)
def test_else_the_short_id(name: str) -> None:
    assert word(name) == "7F3A2C91-214"


def test_the_number_of_messages_is_plain() -> None:
    assert word("Ana", 0) == "ANA-0"
    assert word("Ana", 1_234_567) == "ANA-1234567"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_name_makes_a_word_of_plain_letters_and_digits(name: str) -> None:
    assert re.fullmatch(r"(?:[A-Z]{2,12}|7F3A2C91)-214", word(name))
