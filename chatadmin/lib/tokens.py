"""Cuts text into search tokens: one place for messages and queries, so both databases find the same.

The databases' own tokenizers disagree with each other, so what they index is already cut: words in lower case,
joined by single spaces, and both split at the spaces alone. The rules, in order: NFKC, case folding (which opens ß
and ligatures), what is invisible dropped, marks stripped after Latin, Greek, Arabic and Hebrew letters and after
digits only (й stays й, バス stays バス), runs of letters and digits kept, emoji made words, and scripts written
without spaces cut into overlapping pairs of characters, each with its marks.
Sources: Unicode UAX #15 (normalisation), UAX #44 (what is ignorable), UAX #14 (classes ID, CJ and SA: the scripts
that have no spaces).
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator

MAX_TOKEN_CHARS = 64
MAX_TOKENS = 4_000

_STRIPPED_AFTER = ("LATIN", "GREEK", "ARABIC", "HEBREW", "DIGIT")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf\uf900-\ufaff"
    "\U00011700-\U0001174f\U00016fe0-\U0001b2ff\U00020000-\U000323af]"
)
_EMOJI = re.compile("[\u2194-\u21aa\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]")
_ASCII_RUN = re.compile("[a-z0-9]+")
# What has no shape of its own: joiners, direction and variation marks, fillers, tags, and Arabic tatweel.
_IGNORED = dict.fromkeys(
    [
        *(0x00AD, 0x034F, 0x061C, 0x0640, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xFFF0, 0xFFF9),
        *range(0x1BCA0, 0x1BCA4),
        *range(0x1D173, 0x1D17B),
        *range(0xE0000, 0xE1000),
    ]
)


@functools.lru_cache(maxsize=8192)
def is_mark(char: str) -> bool:
    """Whether it belongs to the character before it."""
    return unicodedata.category(char)[0] == "M"


@functools.lru_cache(maxsize=8192)
def _strips_marks(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_STRIPPED_AFTER)


def fold(text: str) -> str:
    """`text` in the form in which it is compared: `Élodie` → `elodie`, `ﬁ` → `fi`, `Straße` → `strasse`."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_IGNORED)
    kept: list[str] = []
    base = ""
    for char in unicodedata.normalize("NFKD", text):
        if is_mark(char):
            if base and _strips_marks(base):
                continue
        else:
            base = char
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def tokens(text: str) -> str:
    """The tokens of `text`, in order, joined by single spaces; at most MAX_TOKENS of MAX_TOKEN_CHARS each.

    >>> tokens("Order 12-345: ありがとう 🎉")
    'order 12 345 あり りが がと とう x1f389'
    """
    found: list[str] = []
    for run in _runs(fold(text)):
        found.extend([run[:MAX_TOKEN_CHARS]] if run.isascii() else _cut(run))
        if len(found) >= MAX_TOKENS:
            break
    return " ".join(found[:MAX_TOKENS])


def is_unspaced(token: str) -> int:
    """How many characters, each with its marks, a token of a script without spaces has; 0 for any other token."""
    return len(_clusters(token)) if _SPACELESS.match(token) else 0


def folded(text: str, most: int | None = None) -> str | None:
    """A name or address as it is stored for substring search and sorting; None where there is nothing.

    Cut to `most` characters: a single one can open into eighteen, so a folded text may outgrow its column.
    """
    return " ".join(fold(text).split())[:most] or None


def _runs(text: str) -> Iterator[str]:
    if text.isascii():  # most messages: ten times as fast
        yield from _ASCII_RUN.findall(text)
        return
    current: list[str] = []
    for char in text:
        if _EMOJI.match(char):
            if current:
                yield "".join(current)
                current = []
            yield f"x{ord(char):x}"
        elif char.isalnum() or (current and is_mark(char)):
            current.append(char)
        elif current:
            yield "".join(current)
            current = []
    if current:
        yield "".join(current)


def _cut(run: str) -> Iterator[str]:
    """A run's words, and pairs where its script has no spaces."""
    word: list[str] = []
    unspaced: list[str] = []
    for cluster in _clusters(run):
        if _SPACELESS.match(cluster):
            yield from _word(word)
            word = []
            unspaced.append(cluster)
        else:
            yield from _pairs(unspaced)
            unspaced = []
            word.append(cluster)
    yield from _word(word)
    yield from _pairs(unspaced)


def _clusters(run: str) -> list[str]:
    clusters: list[str] = []
    for char in run:
        if clusters and is_mark(char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _word(clusters: list[str]) -> list[str]:
    return ["".join(clusters)[:MAX_TOKEN_CHARS]] if clusters else []


def _pairs(clusters: list[str]) -> list[str]:
    cut = [cluster[: MAX_TOKEN_CHARS // 2] for cluster in clusters]
    return cut if len(cut) == 1 else [first + second for first, second in itertools.pairwise(cut)]
