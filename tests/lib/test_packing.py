"""Ids in few letters: all of them back, in order, from any place."""

from __future__ import annotations

import random

import pytest

from chatadmin.lib.packing import pack, part


def unpacked(packed: str, at_once: int) -> list[int]:
    found: list[int] = []
    place = None
    while True:
        here = part(packed, place, at_once)
        assert len(here.ids) <= at_once
        found += here.ids
        place = here.next
        if place is None:
            return found


@pytest.mark.parametrize("at_once", [1, 2, 7, 1_000])
def test_every_id_comes_back_once_and_in_order(at_once: int) -> None:
    ids = [*random.Random(4).sample(range(1, 10_000_000), 500), 1, 127, 128, 129, 2**63 - 1]
    assert unpacked(pack([*ids, *ids[:20]]), at_once) == sorted(set(ids))


def test_of_nobody_there_is_nothing() -> None:
    assert part(pack([]), None, 10).ids == []
    assert part(pack([]), None, 10).next is None


def test_a_hundred_thousand_of_a_million_fit() -> None:
    assert len(pack(random.Random(4).sample(range(1, 1_000_000), 100_000))) < 150_000


@pytest.mark.parametrize("number", [0, -1])
def test_what_is_no_id_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="begin at 1"):
        pack([5, number])
