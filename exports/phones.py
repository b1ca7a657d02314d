"""Telephone numbers, compared by their digits: however they are written, with the country's prefix or without.

The search index holds a number as it was written, cut into groups; `groupings` are the ways of cutting its end that people
use. What they find is read, and `Phone.spans` decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

LEAST_DIGITS, MOST_DIGITS = 7, 15
# A suffix of so many digits is rare; fewer are years and prices.
TOLD_BY = 6
GROUPS = (2, 3, 4, 5)
COUNTRY_DIGITS = (1, 2, 3)
# What may begin a number of the world (ITU-T E.164), written in one piece: 1, 7, and what begins with these.
_TWO = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86"
_TWO += " 90 91 92 93 94 95 98"
_BEGIN_THREE = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99"
COUNTRIES = ("1", "7", *_TWO.split(), *(f"{two}{last}" for two in _BEGIN_THREE.split() for last in range(10)))
_BETWEEN = r"[ \u00a0\u2009\u202f.()/\u2010-\u2014-]{1,3}"
# As many groups as belong together: where one more stands beside it, it is another number.
_RUN = re.compile(rf"(?<![\w+])\+?[ (]{{0,2}}\d+(?:{_BETWEEN}\d+)*(?!\w)")
_MAY_END = re.compile(r"\. | \(| [\u2010-\u2014-] ")
_LONGEST = 60


@dataclass(frozen=True)
class Phone:
    """A number's digits without what stands before them; `is_world`: a country's number begins them, `is_home`: they
    were written with the 0 of calls within a country."""

    digits: str
    is_world: bool = False
    is_home: bool = False

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where this number stands in a text."""
        for start, end in _runs(text):
            yield from self._within(text, _pieces(text, start, end))

    def _within(self, text: str, pieces: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Where it stands in a run: the whole of it first, then what something else may follow or stand before."""
        first = 0
        while first < len(pieces):
            for last in range(len(pieces) - 1, first - 1, -1):
                low, high = pieces[first][0], pieces[last][1]
                if self._is(text[low:high]):
                    yield low, high
                    first = last
                    break
            first += 1

    def _is(self, written: str) -> bool:
        other = _read(written)
        return other is not None and self.is_same(other)

    def is_same(self, other: Phone) -> bool:
        """Whether both may be one number. A country's number, where only one of them has it, is passed over."""
        if self.is_world == other.is_world:
            return self.digits == other.digits
        world, home = (self, other) if self.is_world else (other, self)
        if world.digits == home.digits:
            return not home.is_home
        more = len(world.digits) - len(home.digits)
        return more in COUNTRY_DIGITS and world.digits.endswith(home.digits)

    def groupings(self) -> list[tuple[str, ...]]:
        """The groups at its end that some way of writing it has: one of them is in every text that holds it."""
        found: dict[tuple[str, ...], None] = {}
        for whole in self._wholes():
            for last in range(1, len(whole) + 1):
                _cut(whole, (last,), found)
        if not self.is_world:
            for country in COUNTRIES:
                found |= {(f"{country}{self.digits}",): None, (f"00{country}{self.digits}",): None}
        return list(found)

    def _wholes(self) -> list[str]:
        given = [self.digits, f"0{self.digits}", f"00{self.digits}"]
        if self.is_world:
            for more in COUNTRY_DIGITS:
                rest = self.digits[more:]
                given += (
                    [rest, f"0{rest}", f"{self.digits[:more]}0{rest}"] if len(rest) >= LEAST_DIGITS else []
                )
        return list(dict.fromkeys(given))


def phone_of(text: str) -> Phone | None:
    """The number that a text is; None where it is anything else."""
    text = text.strip()
    spans = list(_runs(text))
    return _read(text) if spans == [(0, len(text))] else None


def _runs(text: str) -> Iterator[tuple[int, int]]:
    for run in _RUN.finditer(text):
        start, end = run.span()
        written = run.group()
        if written.count("(") > written.count(")") and written.lstrip("+ ").startswith("("):
            start = text.index("(", start) + 1
        if end - start <= _LONGEST:
            yield start, end


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """What a run is made of where something else may begin within it: "0170 1234567 (2 pm)"."""
    pieces, at = [], start
    for mark in _MAY_END.finditer(text, start, end):
        pieces.append((at, mark.start()))
        at = mark.end()
    return [*pieces, (at, end)]


def _read(written: str) -> Phone | None:
    is_plus = "+" in written
    if is_plus or _digits(written).startswith("00"):
        written = written.replace("(0)", "")
    digits = _digits(written)
    is_world = is_plus or digits.startswith("00")
    digits = digits.removeprefix("00")
    is_home = not is_world and digits.startswith("0")
    digits = digits[1:] if is_home else digits
    return Phone(digits, is_world, is_home) if LEAST_DIGITS <= len(digits) <= MOST_DIGITS else None


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def _cut(whole: str, sizes: tuple[int, ...], found: dict[tuple[str, ...], None]) -> None:
    """Notes every way in which the end of `whole` is cut into groups, the last ones `sizes`, as far as it tells it."""
    told = sum(sizes)
    if told >= TOLD_BY or told == len(whole):
        ends = [len(whole) - sum(sizes[at:]) for at in range(len(sizes))] + [len(whole)]
        found[tuple(whole[low:high] for low, high in pairwise(ends))] = None
        return
    for size in {*GROUPS, len(whole) - told}:
        if size <= len(whole) - told:
            _cut(whole, (size, *sizes), found)
