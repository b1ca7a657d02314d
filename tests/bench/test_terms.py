"""bench/terms.py: of each class terms that the data hold as often as is said, the same for the same data."""

from __future__ import annotations

import random

import pytest

from bench.classes import CLASSES, MIDDLING, TITLES
from bench.terms import SHARES, Term, count_again, of_class, pick
from bench.vocabulary import Vocabulary, evenly
from chatadmin.lib.tokens import tokens
from conversations.demo.speech import Speaker, languages
from search.words import Words

MESSAGES = 20_000
SIGNED = 5


@pytest.fixture(scope="module")
def messages() -> list[str]:
    """The tokens of what demo people say, every fifth of it signed."""
    rng = random.Random("terms")
    speaker, spoken = Speaker(rng), list(languages().values())
    found: list[str] = []
    while len(found) < MESSAGES:
        said = speaker.talk(rng.choices(spoken, [language.weight for language in spoken])[0], 6)
        found += [tokens(line.body) for line in said]
    return [
        f"{text} northpine customer care" if not number % SIGNED else text
        for number, text in enumerate(found[:MESSAGES])
    ]


@pytest.fixture(scope="module")
def picked(messages: list[str]) -> dict[str, list[Term]]:
    return count_again(pick(Vocabulary.of(messages, MESSAGES), 7), messages)


def truly(query: str, messages: list[str]) -> int:
    """How many messages the search itself would find."""
    words = Words.parse(query)
    return sum(words.match(text) for text in messages)


def test_every_class_has_terms(picked: dict[str, list[Term]]) -> None:
    # In so few messages 0.01 % are two, which is more than is called one and less than can be told apart.
    assert {name for name in TITLES if not picked[name]} <= {"0.01"}
    assert set(CLASSES) < set(picked)
    assert picked[MIDDLING]


@pytest.mark.parametrize("name", ["one", "none", "apart", "phrase", "0.1", "1", "20", "two", "chinese"])
def test_each_is_found_as_often_as_is_said(
    name: str, picked: dict[str, list[Term]], messages: list[str]
) -> None:
    for term in picked[name]:
        found = truly(term.query, messages)
        # The last word finds longer ones too, and a message that has two of them counts twice.
        assert found == term.messages or abs(found - term.messages) < 0.1 * found + 2, term
        assert bool(found) == (name not in ("none", "apart")), term


def test_what_is_said_once_is_found_once(picked: dict[str, list[Term]], messages: list[str]) -> None:
    assert [truly(term.query, messages) for term in picked["one"]] == [1] * len(picked["one"])


@pytest.mark.parametrize("name", ["0.1", "1", "20"])
def test_shares_are_what_they_are_called(name: str, picked: dict[str, list[Term]]) -> None:
    low, high = SHARES[name]
    assert all(low <= term.messages / MESSAGES <= high for term in picked[name])


def test_beginnings_are_no_words(picked: dict[str, list[Term]], messages: list[str]) -> None:
    held = {word for text in messages for word in text.split()}
    for term in picked["prefix"]:
        assert term.query not in held
        assert 0 < truly(term.query, messages) <= term.messages


def test_where_no_word_is_in_a_fifth_the_commonest_are_taken(messages: list[str]) -> None:
    plain = [text.removesuffix(" northpine customer care") for text in messages]
    commonest = pick(Vocabulary.of(plain, MESSAGES), 7)["20"]
    assert commonest and all(0.02 <= term.messages / MESSAGES < 0.15 for term in commonest)


def test_the_same_data_give_the_same_terms(messages: list[str], picked: dict[str, list[Term]]) -> None:
    again = count_again(pick(Vocabulary.of(messages, MESSAGES), 7), messages)
    assert again == picked
    other = pick(Vocabulary.of(messages, MESSAGES), 8)
    assert other["one"] != picked["one"]


def test_fewer_are_taken_from_all_over() -> None:
    assert evenly([1, 2, 3], 5) == [1, 2, 3]
    assert evenly(range(11), 3) == [0, 5, 10]
    assert evenly("abc", 1) == ["a"]
    kept = {"classes": {"one": [{"query": word, "messages": 1} for word in "abcde"]}}
    assert [term.query for term in of_class(kept, "one", 2)] == ["a", "e"]
