"""A person found by what they said: their newest message that matches, and where a page of such people begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from chatadmin.lib.paging import BadCursor

MOST_ID = 2**63 - 1
_TEXT = re.compile(r"m(-?[0-9]{1,19})_(-?[0-9]{1,19})", re.ASCII)


class Hit(NamedTuple):
    """A message that matches."""

    id: int
    chat_user_id: int
    conversation_id: int


@dataclass(frozen=True)
class HitCursor:
    """The edge of a page: ids of messages. `top`: the newest message that the walk's first page knew, so that what is
    written meanwhile moves nobody; `id`: the last row's message, or how far the walk came."""

    top: int
    id: int

    def encode(self) -> str:
        """URL-safe text that `decode` takes back."""
        return f"m{self.top}_{self.id}"

    @classmethod
    def looks_like(cls, text: str) -> bool:
        """Whether `text` is meant as such a cursor."""
        return _TEXT.fullmatch(text) is not None

    @classmethod
    def decode(cls, text: str) -> HitCursor:
        """Raises BadCursor."""
        parts = _TEXT.fullmatch(text)
        if parts is None:
            raise BadCursor
        top, last = int(parts[1]), int(parts[2])
        if not -MOST_ID <= last <= top + 1 <= MOST_ID:
            raise BadCursor
        return cls(top, last)
