"""Reads JSON a value at a time from a stream, so that a document of any length takes little memory."""

from __future__ import annotations

import json
import re
from typing import Any, TextIO

CHARS = 64 * 1024
# No single row of an export comes near.
VALUE_CHARS = 16 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
# What closes lists and objects, or opens the list of a conversation's messages, at the end of a line that is broken.
_TAIL = re.compile(r'(?:"messages"\s*:\s*\[|[\]}][\]}\s]*,?|,)\s*$')


class Broken(ValueError):
    """What stands here isn't JSON; says why."""


class Ended(Broken):
    """The text ends where something should follow."""


def _no_number(name: str) -> Any:
    raise Broken(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


class Pull:
    """A place in a stream of JSON. `line` is that of the next thing after `peek`."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.text = ""
        self.at = self.counted = 0
        self.lines = 1
        self.is_whole = False

    @property
    def line(self) -> int:
        """The number of the line, from 1."""
        self.lines += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.lines

    def peek(self) -> str:
        """The next character that is no space. Raises Ended."""
        while True:
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                raise Ended("the document ends early")

    def ends(self) -> bool:
        """Whether nothing follows."""
        try:
            self.peek()
        except Ended:
            return True
        return False

    def take(self, char: str) -> bool:
        """Goes past `char` if it comes next."""
        if self.peek() != char:
            return False
        self.at += 1
        return True

    def expect(self, char: str) -> None:
        """Goes past `char`. Raises Broken where something else comes."""
        if not self.take(char):
            raise Broken(f"there should be a {char}")

    def key(self) -> str:
        """A name and its colon."""
        if self.peek() != '"':
            raise Broken("there should be a name in quotes")
        name = self.value()
        self.expect(":")
        return str(name)

    def value(self) -> Any:
        """The next value, whole. Raises Broken."""
        self.peek()
        size = CHARS
        while True:
            try:
                found, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos > len(self.text) - 16
                if is_cut and len(self.text) - self.at < VALUE_CHARS and self._more(size):
                    size *= 2
                    continue
                raise Broken(error.msg) from None
            except (RecursionError, ValueError) as error:
                raise Broken(
                    str(error) if isinstance(error, Broken) else "a value that can't be read"
                ) from None
            # A number may go on in what isn't read yet.
            if end == len(self.text) and self._more():
                continue
            if not _is_utf8(self.text, self.at, end):
                self.at = end
                raise Unwritten("it isn't UTF-8")
            self.at = end
            return found

    def skip_line(self) -> None:
        """Goes to the end of a broken line, short of what closes or opens lists there."""
        while (end := self.text.find("\n", self.at)) < 0 and self._more():
            if len(self.text) - self.at > VALUE_CHARS:
                raise Ended("a line without an end")
        end = len(self.text) if end < 0 else end
        match = _TAIL.search(self.text, self.at, end)
        self.at = match.start() if match else end
        if match and self.text[self.at] == "}":  # the broken row's own
            self.at += 1

    def _more(self, size: int = CHARS) -> bool:
        """Reads on. False at the end of the stream."""
        if self.is_whole:
            return False
        read = self.stream.read(size)
        self.is_whole = not read
        _ = self.line
        self.text = self.text[self.at :] + read
        self.at = self.counted = 0
        return bool(read)


class Unwritten(Broken):
    """The value was read past, but its bytes are no text."""


def _is_utf8(text: str, start: int, end: int) -> bool:
    """Whether no byte of it was escaped by the decoder, which makes half a surrogate pair of a wrong one."""
    part = text[start:end]
    if part.isascii():
        return True
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True
