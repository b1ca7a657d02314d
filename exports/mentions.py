"""Other people's messages that hold a person's e-mail address, external id or telephone number.

Found through the search index, newest first; what it finds is then read: an address counts where it stands alone, a number
where the digits are the same (exports/numbers.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from chatadmin.lib.budget import Budget, OverBudget
from conversations.models import Message
from exports.numbers import number_of
from search.extent import id_bounds
from search.matches import Sought
from search.walk import Walk
from search.words import Term, TooManyWords, Words
from users.models import ChatUser

PAGE_SIZE = 20
SECONDS = 2.0
READ_AT_ONCE = 200
LEAST_ID_CHARS = 3
MOST_NEEDLES = 8
MOST_COUNTED = 2_000
REDACTED = "[redacted]"


class Shape(Protocol):
    """What something looks like in a text."""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands there."""
        ...


@dataclass(frozen=True)
class Alone:
    """A text that counts where it isn't in the middle of a longer word or address."""

    text: str

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        pattern = rf"(?<![\w.+%-]){re.escape(self.text)}(?![\w%+-]|\.\w)"
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield found.span()


@dataclass(frozen=True)
class AnyOf(Words):
    """Words for the index: one of `ways`, each some tokens side by side. It finds more than that; what it finds is read."""

    ways: tuple[tuple[str, ...], ...] = ()
    digits: str = ""

    @property
    def indexed(self) -> tuple[Term, ...]:
        return tuple(Term(way) for way in self.ways)

    def tsquery(self) -> str:
        return " | ".join(f"({query})" for query in self.tsqueries())

    def tsqueries(self) -> list[str]:
        return [" & ".join(f"'{token}'" for token in way) for way in self.ways]

    def match_expression(self) -> str:
        return " OR ".join(f'"{" ".join(way)}"' for way in self.ways)


@dataclass(frozen=True)
class Needle:
    """Something of the person's: `words` is how the index is asked, `shape` what it looks like in a text."""

    words: Words
    shape: Shape

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a text."""
        return self.shape.spans(text)


@dataclass(frozen=True)
class Mention:
    """A message of somebody else's that holds something of the person's."""

    message: Message

    @property
    def address(self) -> str:
        """Where it stands in its owner's history."""
        return f"{self.message.chat_user.get_absolute_url()}conversations/?at={self.message.pk}"


@dataclass(frozen=True)
class Mentions:
    """A page of them, newest first. `below`: where the next one begins, None at the end. `partial`: time ran out."""

    rows: list[Mention]
    below: int | None = None
    partial: bool = False

    @property
    def free(self) -> list[Mention]:
        """Those that no hold keeps."""
        return [mention for mention in self.rows if mention.message.chat_user.held_at is None]


def needles_of(person: ChatUser) -> list[Needle]:
    """What is looked for."""
    ids = [person.external_id] if len(person.external_id or "") >= LEAST_ID_CHARS else []
    found = [Needle(words, Alone(text)) for text in [person.email, *ids] if text and (words := _words(text))]
    numbers = dict.fromkeys(number for text in _traits(person.traits) if (number := number_of(text)))
    found += [Needle(AnyOf((), number.ways, number.end), number) for number in numbers]
    return found[:MOST_NEEDLES]


def clean(needles: list[Needle], text: str) -> str:
    """The text with each of them replaced."""
    spans = sorted(span for needle in needles for span in needle.spans(text))
    pieces, at = [], 0
    for start, end in spans:
        if start >= at:
            pieces += [text[at:start], REDACTED]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def holds(needles: list[Needle], value: Any) -> bool:
    """Whether a text, or any text within a message's data, holds one of them."""
    if isinstance(value, str):
        return any(True for needle in needles for _ in needle.spans(value))
    if isinstance(value, dict):
        return any(holds(needles, one) for one in value.values())
    return isinstance(value, list) and any(holds(needles, one) for one in value)


def mentions_of(person: ChatUser, *, below: int | None = None, size: int = PAGE_SIZE) -> Mentions:
    """`size` of them with an id under `below`, or the newest."""
    needles = needles_of(person)
    found: dict[int, Message] = {}
    reached: list[int] = []
    partial = False
    for needle in needles:
        # Each has its own: one that is everywhere must not keep the others from coming further.
        budget = Budget(SECONDS / len(needles))
        try:
            for message in _with(needle, person, needles, budget, below, size + 1):
                found[message.pk] = message
        except _Stopped as stopped:
            partial = True
            reached.append(stopped.reached)
    # Above the highest place that a search came to, nothing is left out.
    floor = max(reached, default=None)
    rows = sorted((one for pk, one in found.items() if floor is None or pk >= floor), key=lambda one: -one.pk)
    if len(rows) > size:
        return Mentions([Mention(row) for row in rows[:size]], rows[size - 1].pk, partial)
    return Mentions([Mention(row) for row in rows], floor, partial)


def count(person: ChatUser) -> int | None:
    """How many there are; None where the time ran out before the end, or they are more than MOST_COUNTED."""
    found = mentions_of(person, size=MOST_COUNTED)
    return None if found.partial or found.below is not None else len(found.rows)


class _Stopped(Exception):
    def __init__(self, reached: int) -> None:
        super().__init__(reached)
        self.reached = reached


def _with(
    needle: Needle, person: ChatUser, needles: list[Needle], budget: Budget, below: int | None, size: int
) -> Iterator[Message]:
    """The newest `size` messages with that needle. Raises _Stopped where the time ran out."""
    bounds = id_bounds(None, None)
    if bounds is None:
        return
    if below is not None:
        bounds = bounds._replace(below=min(below, bounds.below))
    walk = Walk(Sought(needle.words, without=(person.pk,)), bounds, budget)
    count, reached = 0, bounds.below
    try:
        for hits in walk.batches():
            for start in range(0, len(hits), READ_AT_ONCE):
                ids = [hit.id for hit in hits[start : start + READ_AT_ONCE]]
                for message in _read(ids, needles, budget):
                    yield message
                    count += 1
                    if count == size:
                        return
                reached = min(ids)
            reached = walk.reached
    except OverBudget:
        raise _Stopped(reached) from None


def _read(ids: list[int], needles: list[Needle], budget: Budget) -> list[Message]:
    """Those of the messages that hold something of the person's, newest first. Raises OverBudget."""
    with budget.limit():
        messages = Message.objects.select_related("chat_user").in_bulk(ids)
    return [
        message
        for _, message in sorted(messages.items(), reverse=True)
        if message.chat_user.erased_at is None and holds(needles, [message.body, message.data])
    ]


def _words(text: str) -> Words | None:
    try:
        words = Words.parse('"' + text.replace('"', " ") + '"')
    except TooManyWords:
        return None
    return words if words.indexed else None


def _traits(value: Any, deep: int = 4) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict) and deep:
        for one in value.values():
            yield from _traits(one, deep - 1)
    elif isinstance(value, list) and deep:
        for one in value:
            yield from _traits(one, deep - 1)
