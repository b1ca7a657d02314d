"""What somebody typed, as words to look for in messages: the same meaning in either database's index and in Python.

Several words mean all of them in one message; "quoted words" stand side by side; what is written together
(12-345, an e-mail address, a run of Chinese) stands together. The last word may be the beginning of a longer one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatadmin.lib.tokens import is_unspaced, tokens

MOST_TERMS = 40
# Of each word the indexes hold its beginnings of so many letters, to be looked up like words; a shorter one is that of
# too many words.
BEGINNINGS = (5, 7)
PREFIX_CHARS = BEGINNINGS[0]
# Before a beginning in PostgreSQL's index; no word has it.
MARK = "^"
_QUOTED = re.compile('"([^"]*)"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»')


class TooManyWords(ValueError):
    """More words than are looked for at once."""

    most = MOST_TERMS


@dataclass(frozen=True)
class Term:
    """Tokens side by side. `is_prefix`: the last one is the beginning of a word. `is_part`: a lone character of a
    script without spaces, of which the index holds only pairs."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    is_part: bool = False

    @property
    def indexed_end(self) -> str:
        """The last token; where it is a beginning, as much of it as the indexes hold."""
        last = self.tokens[-1]
        return last[: max(chars for chars in BEGINNINGS if chars <= len(last))] if self.is_prefix else last

    @property
    def is_indexed(self) -> bool:
        """Whether an index decides alone who holds its tokens, wherever they stand."""
        return not self.is_part and self.indexed_end == self.tokens[-1]

    @property
    def needle(self) -> str:
        """What a message's tokens hold, with a space before and after them, where they hold this term."""
        joined = " ".join(self.tokens)
        if self.is_part:
            return joined
        return f" {joined}" if self.is_prefix else f" {joined} "


@dataclass(frozen=True)
class Words:
    """The terms of a query, all of which one message must hold. Without any it finds nothing."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> Words:
        """Raises TooManyWords."""
        found: dict[tuple[str, ...], Term] = {}
        for term in _terms(text):
            known = found.get(term.tokens)
            if known is None or known.is_prefix:
                found[term.tokens] = term
        if sum(len(term.tokens) for term in found.values()) > MOST_TERMS * 2 or len(found) > MOST_TERMS:
            raise TooManyWords
        return cls(tuple(found.values()))

    @property
    def indexed(self) -> tuple[Term, ...]:
        """The terms that an index can look up."""
        return tuple(term for term in self.terms if not term.is_part)

    @property
    def digits(self) -> str:
        """What stands among a message's digits, whatever stands between these, where it can hold the words; "" where
        that isn't known."""
        return ""

    @property
    def is_several(self) -> bool:
        """Whether an index has to look up more than one word."""
        return sum(len(term.tokens) for term in self.indexed) > 1

    def match(self, message_tokens: str) -> bool:
        """Whether a message with these tokens holds all terms."""
        padded = f" {message_tokens} "
        return bool(self.terms) and all(term.needle in padded for term in self.terms)

    def tsquery(self) -> str:
        """For PostgreSQL: every token of the indexed terms, quoted, so that its own parser has no say."""
        parts: dict[str, None] = {}
        for term in self.indexed:
            parts |= {_lexeme(token): None for token in term.tokens[:-1]}
            parts[_lexeme((MARK if term.is_prefix else "") + term.indexed_end)] = None
        return " & ".join(parts)

    def tsqueries(self) -> list[str]:
        """For PostgreSQL: a message that one of them finds may hold the words."""
        return [self.tsquery()]

    def match_expression(self) -> str:
        """For FTS5: every indexed term as a phrase."""
        return " AND ".join(
            f'"{" ".join([*term.tokens[:-1], term.indexed_end])}"{" *" if term.is_prefix else ""}'
            for term in self.indexed
        )


def _lexeme(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def _terms(text: str) -> list[Term]:
    found: list[Term] = []
    at = 0
    for quoted in _QUOTED.finditer(text):
        found += [*_loose(text[at : quoted.start()]), *_term("".join(filter(None, quoted.groups())))]
        at = quoted.end()
    tail = _loose(text[at:])
    if tail and _may_go_on(tail[-1]):
        tail[-1] = replace(tail[-1], is_prefix=True)
    return found + tail


def _loose(text: str) -> list[Term]:
    return [term for piece in text.split() for term in _term(piece)]


def _term(text: str) -> Iterator[Term]:
    cut = tuple(tokens(text).split())
    if cut:
        yield Term(cut, is_part=len(cut) == 1 and is_unspaced(cut[0]) == 1)


def _may_go_on(term: Term) -> bool:
    last = term.tokens[-1]
    return len(last) >= PREFIX_CHARS and not is_unspaced(last)
