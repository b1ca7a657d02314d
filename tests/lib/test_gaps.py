"""Gaps: what nobody heard is noticed from the numbers of what comes after it."""

from __future__ import annotations

from chatadmin.lib.gaps import Gaps


def test_messages_in_a_row_are_no_gap():
    gaps = Gaps(17)
    assert not any(gaps.hear("a", number, new=True, now=0) for number in (7, 8, 9))
    assert not any(gaps.hear("a", 9, new=False, now=number) for number in (5, 10))
    assert not gaps.hear("b", 1, new=True, now=10)


def test_a_number_left_out_is_a_gap_told_once():
    gaps = Gaps(17)
    gaps.hear("a", 1, new=True, now=0)
    assert gaps.hear("a", 3, new=True, now=0)
    assert not gaps.hear("a", 4, new=True, now=0)


def test_a_beacon_tells_what_went_before_it():
    gaps = Gaps(17)
    gaps.hear("a", 1, new=True, now=0)
    assert gaps.hear("a", 2, new=False, now=0)
    assert not gaps.hear("a", 2, new=False, now=5)
    assert not gaps.hear("a", 3, new=True, now=5)


def test_an_unknown_one_and_a_late_one_are_no_gap():
    gaps = Gaps(17)
    assert not gaps.hear("a", 100, new=False, now=0)
    assert not gaps.hear("a", 101, new=True, now=0)
    assert not gaps.hear("a", 99, new=True, now=0)
    assert not gaps.hear("a", 102, new=True, now=0)


def test_who_falls_silent_is_told_once():
    gaps = Gaps(17)
    gaps.hear("a", 1, new=True, now=0)
    gaps.hear("b", 1, new=True, now=10)
    assert not gaps.fallen_silent(now=17)
    assert gaps.fallen_silent(now=18)
    assert not gaps.fallen_silent(now=19)
    assert gaps.fallen_silent(now=28)
    # Heard again, it is as new.
    assert not gaps.hear("a", 9, new=True, now=30)


def test_who_said_goodbye_may_be_silent():
    gaps = Gaps(17)
    gaps.hear("a", 1, new=True, now=0)
    gaps.part("a")
    gaps.part("never heard")
    assert not gaps.fallen_silent(now=100)
