"""One person's JSON document as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TextIO

from exports.importing.pull import Broken, Ended, Pull, Unwritten
from exports.importing.rows import KINDS
from exports.importing.source import Row

LISTS = KINDS.keys() - {"profile", "conversations", "messages"}


def rows(open_text: Callable[[], TextIO], name: str) -> Iterator[Row]:
    """The rows of a document in their order. A message's `conversation` is the number of its conversation's place in
    the list; so is the `id` of that conversation."""
    with open_text() as stream:
        yield from _Reading(Pull(stream), name).document()


class _Reading:
    def __init__(self, pull: Pull, name: str) -> None:
        self.pull, self.name = pull, name

    def document(self) -> Iterator[Row]:
        pull = self.pull
        try:
            seen: set[str] = set()
            pull.expect("{")
            while not pull.take("}"):
                if pull.take(","):
                    continue
                place, key = self._place(), pull.key()
                if key in seen and key in KINDS:
                    # Its numbers begin anew: its messages would go into the first one's conversations.
                    for _ in self._section(key):
                        pass
                    yield Row(key, place, error=f"{key} is there twice")
                    continue
                seen.add(key)
                yield from self._section(key)
            if not pull.ends():
                raise Broken("something follows the document")
        except Broken as error:
            yield Row("", self._place(), error=str(error))

    def _section(self, key: str) -> Iterator[Row]:
        if key == "conversations":
            yield from self._conversations()
        elif key in LISTS:
            yield from self._list(key)
        elif key in ("profile", "schema"):
            self.pull.peek()
            place = self._place()
            yield Row(key, place, self.pull.value())
        elif self.pull.peek() == "[":
            for _ in self._list(""):
                pass
        else:
            self.pull.value()

    def _list(self, kind: str, number: int | None = None) -> Iterator[Row]:
        pull = self.pull
        pull.expect("[")
        while not pull.take("]"):
            if pull.take(","):
                continue
            place = self._place()
            try:
                value = pull.value()
            except Broken as error:
                yield Row(kind, place, error=str(error))
                self._go_on(error)
                continue
            if number is not None and isinstance(value, dict):
                value["conversation"] = number
            yield Row(kind, place, value)

    def _conversations(self) -> Iterator[Row]:
        pull = self.pull
        pull.expect("[")
        number = 0
        while not pull.take("]"):
            if pull.take(","):
                continue
            yield from self._conversation(number)
            number += 1

    def _conversation(self, number: int) -> Iterator[Row]:
        """The conversation's own row comes after those of its messages."""
        pull, place, wrong = self.pull, self._place(), ""
        found: dict[str, Any] = {}
        try:
            pull.expect("{")
        except Broken as error:
            yield Row("conversations", place, error=str(error))
            self._go_on(error)
            return
        while not pull.take("}"):
            if pull.take(","):
                continue
            try:
                key = pull.key()
                if key != "messages":
                    found[key] = pull.value()
                    continue
            except Broken as error:
                wrong = wrong or str(error)
                self._go_on(error)
                continue
            yield from self._list("messages", number)
        yield Row("conversations", place, {**found, "id": number}, wrong)

    def _go_on(self, error: Broken) -> None:
        if isinstance(error, Ended):
            raise error
        if not isinstance(error, Unwritten):
            before = self.pull.line, self.pull.at
            self.pull.skip_line()
            if (self.pull.line, self.pull.at) == before:
                # Nothing there could be gone past.
                self.pull.at += 1

    def _place(self) -> str:
        return f"{self.name}:{self.pull.line}"
