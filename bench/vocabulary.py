"""How often each word was said, and how many messages a typed word would find."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from chatadmin.lib.tokens import is_unspaced

# The last word typed is taken as a beginning from so many letters on.
BEGINNING_LETTERS = 5
SAMPLED = 20_000

Item = TypeVar("Item")


class Vocabulary:
    """In how many of `total` messages each word is, and every so-manieth message as a sample."""

    def __init__(self, counts: Counter[str], total: int, sample: Sequence[str]) -> None:
        self.counts, self.total, self.sample = counts, total, sample
        self.words = sorted(counts)
        self.sums = [0, *itertools.accumulate(counts[word] for word in self.words)]
        self.finds = [self.found(word) for word in self.words]

    @classmethod
    def of(cls, messages: Iterable[str], rows: int) -> Vocabulary:
        """Counts the words of `rows` messages, given by their tokens."""
        counts: Counter[str] = Counter()
        sample = []
        step = max(1, rows // SAMPLED)
        total = 0
        for total, text in enumerate(messages, 1):
            counts.update(set(text.split()))
            if total % step == 0:
                sample.append(text)
        return cls(counts, total, sample)

    def beginning(self, letters: str) -> int:
        """How many messages hold a word that begins so, those with several such words more than once."""
        low = bisect.bisect_left(self.words, letters)
        high = bisect.bisect_left(self.words, letters + "\U0010ffff")
        return self.sums[high] - self.sums[low]

    def found(self, word: str) -> int:
        """How many messages are found by somebody who types this word alone."""
        if len(word) < BEGINNING_LETTERS or is_unspaced(word):
            return self.counts[word]
        return self.beginning(word)

    def between(self, low: float, high: float) -> list[str]:
        """The words of scripts with spaces that find such a share of all messages, the commonest first."""
        least, most = low * self.total, high * self.total
        kept = [
            (-found, word)
            for word, found in zip(self.words, self.finds, strict=True)
            if least <= found <= most and len(word) > 1 and not is_unspaced(word)
        ]
        return [word for _, word in sorted(kept)]

    def inside(self, word: str) -> int:
        """How many messages hold a word that has this one anywhere in it, counted as `beginning` counts."""
        return sum(count for other, count in self.counts.items() if word in other)


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """So many of `items`, from the first to the last, the same distance apart; all of them where there are fewer."""
    if len(items) <= count:
        return list(items)
    if count == 1:
        return [items[0]]
    return [items[round(at * (len(items) - 1) / (count - 1))] for at in range(count)]
