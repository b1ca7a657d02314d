"""A telephone number of somebody's: found by what it means as one (exports/phones.py), and by its very digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from chatadmin.lib.tokens import tokens
from exports.phones import LEAST_DIGITS, MOST_DIGITS, Phone, phone_of

_PLAIN = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){6,19}")


@dataclass(frozen=True)
class Number:
    """`written`: by its owner, with these `digits`. `phone`: None where it is too short or odd to be read as one.

    `ways`: tokens side by side, one of which is in every text that holds it.
    """

    written: str
    digits: str
    phone: Phone | None
    ways: tuple[tuple[str, ...], ...] = field(compare=False)

    @property
    def end(self) -> str:
        """What stands among the digits of every text that holds it; "" where they are not 0 to 9."""
        return self.digits[-LEAST_DIGITS:] if self.digits.isascii() else ""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a text."""
        if self.phone is not None:
            yield from self.phone.spans(text)
        for found in _PLAIN.finditer(text):
            if _digits(found.group()) == self.digits:
                yield found.span()


def number_of(text: str) -> Number | None:
    """The number that a text is; None where it is anything else."""
    text, digits, phone = text.strip(), _digits(text), phone_of(text)
    is_plain = _PLAIN.fullmatch(text) is not None and LEAST_DIGITS <= len(digits) <= MOST_DIGITS
    if phone is None and not is_plain:
        return None
    ways = dict.fromkeys(phone.groupings() if phone is not None else [])
    ways |= {tuple(tokens(text).split()): None, (digits,): None}
    return Number(text, digits, phone, tuple(ways))


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())
