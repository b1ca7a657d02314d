"""Many ids in few letters: sorted, each as its distance from the one before, seven bits a byte, in base64.

100,000 ids of a million people take 130 KB or so, and any part of them is read without the rest.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Some ids in ascending order, and the place behind them; `next` is None where no more follow."""

    ids: list[int]
    next: list[int] | None


def pack(ids: Iterable[int]) -> str:
    """The ids, each once, as letters, digits, `-`, `_` and `=`. Raises ValueError for an id below 1."""
    packed, last = bytearray(), 0
    for number in sorted(set(ids)):
        if number < 1:
            raise ValueError("ids begin at 1")
        distance, last = number - last, number
        while distance > 127:
            packed.append(distance & 127 | 128)
            distance >>= 7
        packed.append(distance)
    return base64.urlsafe_b64encode(packed).decode("ascii")


def part(packed: str, place: list[int] | None, most: int) -> Part:
    """At most `most` ids from `place` on (None: the beginning), which is the `next` of the part before."""
    raw = base64.urlsafe_b64decode(packed)
    at, last = place or (0, 0)
    ids: list[int] = []
    while at < len(raw) and len(ids) < most:
        distance = shift = 0
        while raw[at] > 127:
            distance |= (raw[at] & 127) << shift
            at, shift = at + 1, shift + 7
        last += distance | raw[at] << shift
        at += 1
        ids.append(last)
    return Part(ids, [at, last] if at < len(raw) else None)
