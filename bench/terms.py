"""Which words to look for: of each class some that the data hold, the same for the same data, with the share measured."""

from __future__ import annotations

import itertools
import random
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.classes import MIDDLING
from bench.vocabulary import Item, Vocabulary, evenly
from chatadmin.lib.tokens import is_unspaced
from conversations.models import Message

# Another number here has the terms of data that are there picked anew.
VERSION = 3
A_CLASS = 20
COMPARED = 10
SHARES = {
    "0.01": (0.000_07, 0.000_14),
    "0.1": (0.000_7, 0.001_4),
    "1": (0.007, 0.014),
    "20": (0.15, 0.25),
}
RARE, COMMON = (0.000_05, 0.000_5), 0.01
MIDDLING_SHARE = (0.000_1, 0.003)
PREFIX_LETTERS = 5
COMMONEST = 5


@dataclass(frozen=True)
class Term:
    """What is typed, and how many messages hold it. `words`: what the second count looks for, side by side
    (`is_phrase`) or all of them; none where the first count knew already."""

    query: str
    messages: int = 0
    words: tuple[str, ...] = ()
    is_phrase: bool = False


def pick(vocabulary: Vocabulary, seed: int) -> dict[str, list[Term]]:
    """Terms of each class, and MIDDLING; those with `words` are still to be counted."""
    rng = random.Random(f"{seed}/terms")
    picked = {
        "one": [Term(word, 1) for word in _some(rng, _said_once(vocabulary))],
        **{name: _of_share(vocabulary, rng, *SHARES[name]) for name in SHARES},
        "none": [Term(word) for word in _nonsense(vocabulary, rng)],
        "two": _rare_and_common(vocabulary, rng),
        "apart": _never_together(vocabulary, rng),
        "phrase": _phrases(vocabulary),
        "prefix": _beginnings(vocabulary),
        "chinese": _chinese(vocabulary),
        MIDDLING: _middling(vocabulary),
    }
    if not picked["20"]:
        commonest = vocabulary.between(0.02, 1)[:COMMONEST]
        picked["20"] = [Term(word, vocabulary.found(word)) for word in commonest]
    return picked


def count_again(picked: dict[str, list[Term]], messages: Iterable[str]) -> dict[str, list[Term]]:
    """The same terms, those of several words counted in `messages`; of "apart" those that are."""
    waiting = [term for terms in picked.values() for term in terms if term.words]
    by_first: dict[str, list[Term]] = {}
    for term in waiting:
        by_first.setdefault(term.words[0], []).append(term)
    counted = dict.fromkeys(waiting, 0)
    firsts = by_first.keys()
    for text in messages:
        held = set(text.split())
        for first in held & firsts:
            for term in by_first[first]:
                if held.issuperset(term.words) and (
                    not term.is_phrase or f" {' '.join(term.words)} " in f" {text} "
                ):
                    counted[term] += 1
    again = {
        name: [replace(term, messages=counted.get(term, term.messages)) for term in terms]
        for name, terms in picked.items()
    }
    again["apart"] = [term for term in again["apart"] if not term.messages]
    return again


def measure(seed: int, rows: int) -> dict[str, Any]:
    """The terms of the database's messages, as they are kept with the mark: two walks over all of them."""
    vocabulary = Vocabulary.of(_stored(), rows)
    picked = count_again(pick(vocabulary, seed), _stored())
    return {
        "version": VERSION,
        "total": vocabulary.total,
        "words": len(vocabulary.words),
        "classes": {name: [asdict(term) for term in terms] for name, terms in picked.items()},
    }


def of_class(kept: dict[str, Any], name: str, most: int) -> list[Term]:
    """The first so many terms of a class, evenly taken, from what `measure` gave."""
    return evenly([Term(term["query"], term["messages"]) for term in kept["classes"][name]], most)


def _stored() -> Iterator[str]:
    # In order: PostgreSQL may begin an unordered walk anywhere, and the sample would be another one.
    return Message.objects.order_by("pk").values_list("tokens", flat=True).iterator(chunk_size=20_000)


def _some(rng: random.Random, items: list[str], count: int = A_CLASS) -> list[str]:
    return sorted(rng.sample(items, min(count, len(items))))


def _said_once(vocabulary: Vocabulary) -> list[str]:
    once = [word for word in vocabulary.words if vocabulary.counts[word] == 1 and word.isascii()]
    return [word for word in once if len(word) > 3 and vocabulary.found(word) == 1]


def _of_share(vocabulary: Vocabulary, rng: random.Random, low: float, high: float) -> list[Term]:
    return [Term(word, vocabulary.found(word)) for word in _some(rng, vocabulary.between(low, high))]


def _nonsense(vocabulary: Vocabulary, rng: random.Random) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < A_CLASS:
        word = "".join(rng.choices(string.ascii_lowercase, k=rng.randrange(4, 10)))
        if not vocabulary.beginning(word):
            made[word] = None
    return list(made)


def _rare_and_common(vocabulary: Vocabulary, rng: random.Random) -> list[Term]:
    rare = set(vocabulary.between(*RARE))
    common = set(vocabulary.between(COMMON, 1))
    found: dict[str, Term] = {}
    for text in vocabulary.sample:
        held = set(text.split())
        pairs = sorted(itertools.product(held & rare, held & common))
        if pairs:
            pair = rng.choice(pairs)
            # One pair for each rare word: the others are found by the same few messages.
            found.setdefault(pair[0], Term(" ".join(pair), words=pair))
    return [found[word] for word in _some(rng, sorted(found))]


def _never_together(vocabulary: Vocabulary, rng: random.Random) -> list[Term]:
    common = vocabulary.between(COMMON, 1)[:100]
    together = {
        pair
        for text in vocabulary.sample
        for pair in itertools.combinations(sorted(set(text.split()).intersection(common)), 2)
    }
    # The last word must not find longer ones, which may well be in one message with the first.
    whole = {word for word in common if vocabulary.found(word) == vocabulary.counts[word]}
    pairs = [
        pair if pair[1] in whole else pair[::-1]
        for pair in itertools.combinations(sorted(common), 2)
        if pair not in together and whole.intersection(pair)
    ]
    return [Term(" ".join(pair), words=pair) for pair in rng.sample(pairs, min(A_CLASS, len(pairs)))]


def _phrases(vocabulary: Vocabulary) -> list[Term]:
    found: Counter[tuple[str, ...]] = Counter()
    for text in vocabulary.sample:
        words = text.split()
        for length in (2, 3):
            for at in range(len(words) - length + 1):
                phrase = tuple(words[at : at + length])
                if all(not is_unspaced(word) and len(word) > 1 for word in phrase):
                    found[phrase] += 1
    phrases = sorted(found, key=lambda phrase: (-found[phrase], phrase))
    return [Term(f'"{" ".join(words)}"', words=words, is_phrase=True) for words in _dear_and_cheap(phrases)]


def _beginnings(vocabulary: Vocabulary) -> list[Term]:
    found = {
        word[:PREFIX_LETTERS]: vocabulary.beginning(word[:PREFIX_LETTERS])
        for word in vocabulary.words
        if len(word) > PREFIX_LETTERS and word.isalpha() and not is_unspaced(word)
    }
    whole = [letters for letters in found if letters not in vocabulary.counts]
    whole.sort(key=lambda letters: (-found[letters], letters))
    return [Term(letters, found[letters]) for letters in _dear_and_cheap(whole)]


def _dear_and_cheap(items: list[Item]) -> list[Item]:
    """Some of `items`, which are ordered by how often they are said: half of them from the first tenth, for what is
    said often is dear to look up."""
    dear = evenly(items[: len(items) // 10], A_CLASS // 2)
    return [*dear, *evenly(items[len(items) // 10 :], A_CLASS - len(dear))]


def _is_han(text: str) -> bool:
    return all("\u4e00" <= char <= "\u9fff" for char in text)


def _chinese(vocabulary: Vocabulary) -> list[Term]:
    pairs = [word for word in vocabulary.words if len(word) == 2 and _is_han(word)]
    pairs.sort(key=lambda word: (-vocabulary.counts[word], word))
    longer: dict[str, tuple[str, str]] = {}
    for text in vocabulary.sample:
        for first, second in itertools.pairwise(text.split()):
            if len(first) == len(second) == 2 and _is_han(first + second) and first[1] == second[0]:
                longer[first + second[1]] = (first, second)
    short = evenly(pairs, A_CLASS * 3 // 5)
    long = evenly(sorted(longer), A_CLASS - len(short))
    return [
        *(Term(word, vocabulary.counts[word]) for word in short),
        *(Term(word, words=longer[word], is_phrase=True) for word in long),
    ]


def _middling(vocabulary: Vocabulary) -> list[Term]:
    """Words that are seldom part of another, so that a search for the letters finds about the same."""
    words = [w for w in vocabulary.between(*MIDDLING_SHARE) if w.isascii() and w.isalpha() and len(w) > 3]
    fit = [
        word for word in evenly(words, 4 * COMPARED) if vocabulary.inside(word) < 1.2 * vocabulary.found(word)
    ]
    return [Term(word, vocabulary.found(word)) for word in evenly(fit, COMPARED)]
