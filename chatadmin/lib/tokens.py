"""Cuts text into search tokens: one place for messages and queries, so both databases find the same.

The databases' own tokenizers disagree with each other, so what they index is already cut: words in lower case,
joined by single spaces. The rules, in order: NFKC, case folding (which opens ß and ligatures), marks stripped
after Latin, Greek, Arabic and Hebrew letters only (й stays й, バス stays バス), runs of letters and digits kept,
emoji made words, and scripts written without spaces cut into overlapping pairs.
Sources: Unicode UAX #15 (normalisation), UAX #29 (why spaceless scripts need another cut).
"""

from __future__ import annotations

import functools
import re
import unicodedata

MAX_TOKEN_CHARS = 64
MAX_TOKENS = 4_000

_STRIPPING_SCRIPTS = ("LATIN", "GREEK", "ARABIC", "HEBREW")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af]+"
)
_EMOJI = re.compile(
    "[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"
)
_ASCII_RUN = re.compile("[a-z0-9]+")
# Arabic tatweel and the invisible joiners and direction marks carry no meaning for a search.
_DROPPED = dict.fromkeys(
    [0x0640, 0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)


@functools.lru_cache(maxsize=8192)
def _strips_marks(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_STRIPPING_SCRIPTS)


def fold(text: str) -> str:
    """`text` in the form in which it is compared: `Élodie` → `elodie`, `ﬁ` → `fi`, `Straße` → `strasse`."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFD", text.translate(_DROPPED))
    kept: list[str] = []
    base = ""
    for char in text:
        if unicodedata.combining(char):
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
        if len(found) >= MAX_TOKENS:
            break
        found.extend(_cut(run))
    return " ".join(found[:MAX_TOKENS])


def folded(text: str) -> str | None:
    """A name or address as it is stored for substring search and sorting; None where there is nothing."""
    return " ".join(fold(text).split()) or None


def _runs(text: str) -> list[str]:
    if text.isascii():  # most messages: ten times as fast
        return _ASCII_RUN.findall(text)
    runs: list[str] = []
    current: list[str] = []
    for char in text:
        if _EMOJI.match(char):
            if current:
                runs.append("".join(current))
                current = []
            runs.append(f"x{ord(char):x}")
        elif char.isalnum() or (current and unicodedata.category(char)[0] == "M"):
            current.append(char)
        elif current:
            runs.append("".join(current))
            current = []
    if current:
        runs.append("".join(current))
    return runs


def _cut(run: str) -> list[str]:
    if run.isascii():
        return [run[:MAX_TOKEN_CHARS]]
    pieces: list[str] = []
    end = 0
    for match in _SPACELESS.finditer(run):
        if match.start() > end:
            pieces.append(run[end : match.start()][:MAX_TOKEN_CHARS])
        pieces.extend(_pairs(match.group()))
        end = match.end()
    if end < len(run):
        pieces.append(run[end:][:MAX_TOKEN_CHARS])
    return pieces


def _pairs(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [run[at : at + 2] for at in range(len(run) - 1)]
