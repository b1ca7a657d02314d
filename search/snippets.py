"""A piece of a message around the words that were found, marked: what the index held as found is what is marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from chatadmin.lib.tokens import MAX_TOKEN_CHARS, fold, is_mark, is_unspaced
from search.words import Term, Words

BEFORE_CHARS = 24
SNIPPET_CHARS = 160
_EMOJI = re.compile(r"x([0-9a-f]{4,6})", re.ASCII)
ELLIPSIS = "…"

Span = tuple[int, int]


@dataclass(frozen=True)
class _Folded:
    """A text as it is compared, and for each of its characters where in the original it came from."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def snippet(body: str, words: Words) -> SafeString:
    """One line of `body`, at most SNIPPET_CHARS of it, with every word that was looked for in a `<mark>`."""
    line = " ".join(body.split())
    spans = _spans(line, words)
    start, end = _window(line, spans)
    pieces = [ELLIPSIS if start else ""]
    at = start
    for first, last in spans:
        cut = slice(max(first, start), min(last, end))
        if cut.start < cut.stop:
            pieces += [conditional_escape(line[at : cut.start]), format_html("<mark>{}</mark>", line[cut])]
            at = cut.stop
    pieces += [conditional_escape(line[at:end]), ELLIPSIS if end < len(line) else ""]
    return mark_safe("".join(pieces))  # noqa: S308 - every piece was escaped


def _window(line: str, spans: list[Span]) -> Span:
    start = max(0, (spans[0][0] if spans else 0) - BEFORE_CHARS)
    if start:
        start = line.find(" ", start, spans[0][0]) + 1 or start
    while start and is_mark(line[start]):
        start -= 1
    end = min(len(line), start + SNIPPET_CHARS)
    while end < len(line) and is_mark(line[end]):
        end += 1
    return start, end


def _spans(line: str, words: Words) -> list[Span]:
    folded = _folded(line)
    found = sorted(span for term in words.terms for span in _found(folded, term))
    joined: list[Span] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _folded(line: str) -> _Folded:
    if line.isascii():  # most messages: one character stays one
        return _Folded(fold(line), range(len(line)), range(1, len(line) + 1))
    clusters: list[Span] = []
    for at, char in enumerate(line):
        if clusters and is_mark(char):
            clusters[-1] = (clusters[-1][0], at + 1)
        else:
            clusters.append((at, at + 1))
    text, starts, ends = [], [], []
    for start, end in clusters:
        piece = fold(line[start:end])
        text.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
    return _Folded("".join(text), starts, ends)


def _found(folded: _Folded, term: Term) -> Iterator[Span]:
    for match in re.finditer(_pattern(term), folded.text):
        yield folded.starts[match.start()], folded.ends[match.end() - 1]


def _pattern(term: Term) -> str:
    """The term's tokens side by side, with what no token holds between them."""
    pattern = ""
    previous = ""
    for token in term.tokens:
        emoji = _EMOJI.fullmatch(token)
        if emoji:
            piece, gap = f"(?:{re.escape(chr(int(emoji[1], 16)))}|{token})", r"\W*"
        elif previous and is_unspaced(previous) and is_unspaced(token):
            # Pairs overlap: of each but the first only what is new.
            piece, gap = re.escape(_last(token)), ""
        else:
            piece = re.escape(token)
            # A script without spaces, or an emoji, may stand right beside a word.
            is_close = is_unspaced(previous) or is_unspaced(token) or _EMOJI.fullmatch(previous)
            gap = r"[\W_]*" if is_close else r"[\W_]+"
        pattern += (gap if previous else "") + piece
        previous = token
    first, last = term.tokens[0], term.tokens[-1]
    before = "" if is_unspaced(first) or _EMOJI.fullmatch(first) else r"(?<![^\W_])"
    if term.is_prefix or len(last) == MAX_TOKEN_CHARS:
        return before + pattern + r"[^\W_]*"
    after = "" if is_unspaced(last) or _EMOJI.fullmatch(last) else r"(?![^\W_])"
    return before + pattern + after


def _last(token: str) -> str:
    at = len(token) - 1
    while at and is_mark(token[at]):
        at -= 1
    return token[at:]
