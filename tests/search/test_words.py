"""What somebody typed, as words: their meaning in Python and for each database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatadmin.lib.tokens import tokens
from search.words import MOST_TERMS, TooManyWords, Words


def terms(text: str) -> list[str]:
    return [term.needle for term in Words.parse(text).terms]


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("", []),
        ("a b", [" a ", " b "]),
        ("kettle", [" kettle"]),
        ("kett", [" kett "]),
        ("kettle lamp", [" kettle ", " lamp "]),
        ("a 12-345 b", [" a ", " 12 345 ", " b "]),
        ('"the order" now', [" the order ", " now "]),
        ('now "the order"', [" now ", " the order "]),
        ('"the order', [" the ", " order"]),
        ("«the order» „a b“", [" the order ", " a b "]),
        ("dup dup", [" dup "]),
        ("退款", [" 退款 "]),
        ("退款申", [" 退款 款申 "]),
        ("退", ["退"]),
    ],
)
def test_terms(text: str, needles: list[str]) -> None:
    assert terms(text) == needles


def test_a_beginning_is_found_in_longer_words() -> None:
    words = Words.parse("parcel refun")
    assert words.match(tokens("Refunds for my parcel"))
    assert not words.match(tokens("Refunds for my parcels"))
    assert words.tsquery() == "'parcel' & '^refun'"
    assert words.match_expression() == '"parcel" AND "refun" *'


@pytest.mark.parametrize(
    ("typed", "looked_up", "decides"),
    [
        ("parc", "parc", True),
        ("parce", "^parce", True),
        ("parcel", "^parce", False),
        ("parcels", "^parcels", True),
        ("parcelshops", "^parcels", False),
    ],
)
def test_as_much_of_a_beginning_is_looked_up_as_the_index_holds(
    typed: str, looked_up: str, decides: bool
) -> None:
    words = Words.parse(typed)
    assert words.tsquery() == f"'{looked_up}'"
    assert words.terms[0].is_indexed is decides


def test_more_words_than_are_looked_for() -> None:
    Words.parse(" ".join(f"w{at}" for at in range(MOST_TERMS)))
    with pytest.raises(TooManyWords):
        Words.parse(" ".join(f"w{at}" for at in range(MOST_TERMS + 1)))


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_text_without_quotes_finds_itself(text: str) -> None:
    bare = text.translate({ord(quote): " " for quote in '"“”„«»'})
    words = Words.parse(bare)
    assert words.match(tokens(bare)) or not words.terms
