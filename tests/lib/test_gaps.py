"""Gaps: what nobody heard is noticed from the numbers of what comes after it."""

from __future__ import annotations

from chatadmin.lib.gaps import KEPT_SECONDS, Gaps


def test_messages_in_a_row_are_no_gap():
    gaps = Gaps(17)
    assert not any(gaps.hear("a", number, now=0) for number in (1, 2, 3))
    assert not gaps.hear("b", 1, now=10)
    assert not gaps.hear("a", 4, now=10)


def test_a_number_left_out_is_a_gap_told_once():
    gaps = Gaps(17)
    gaps.hear("a", 1, now=0)
    assert gaps.hear("a", 3, now=0)
    assert not gaps.hear("a", 4, now=0)


def test_what_comes_late_is_no_gap():
    gaps = Gaps(17)
    gaps.hear("a", 1, now=0)
    assert gaps.hear("a", 3, now=0)
    assert not gaps.hear("a", 2, now=0)
    assert not gaps.hear("a", 4, now=0)


def test_of_a_new_one_all_that_it_said_was_missed():
    gaps = Gaps(17)
    assert gaps.hear("a", 2, now=0)
    assert not gaps.hear("a", 3, now=0)


def test_who_answers_is_not_new():
    gaps = Gaps(17)
    assert not gaps.hear("a", 5_000, answers=True, now=0)
    assert not gaps.hear("a", 5_001, now=0)
    assert gaps.hear("a", 5_003, answers=True, now=0)


def test_who_falls_silent_is_told_once():
    gaps = Gaps(17)
    gaps.hear("a", 1, now=0)
    gaps.hear("b", 1, now=10)
    assert not gaps.fallen_silent(now=17)
    assert gaps.fallen_silent(now=18)
    assert not gaps.fallen_silent(now=19)
    assert gaps.fallen_silent(now=28)
    # Nobody knows what it said meanwhile.
    assert gaps.hear("a", 9, now=30)


def test_who_said_goodbye_may_be_silent():
    gaps = Gaps(17)
    gaps.hear("a", 1, now=0)
    gaps.part("a")
    gaps.part("never heard")
    assert not gaps.fallen_silent(now=100)


def test_who_has_no_beacon_may_be_silent_and_is_known_when_it_speaks_again():
    gaps = Gaps(17)
    gaps.hear("command", 1, has_beacon=False, now=0)
    assert not gaps.fallen_silent(now=600)
    assert not gaps.hear("command", 2, has_beacon=False, now=600)
    assert gaps.hear("command", 4, has_beacon=False, now=601)
    assert not gaps.fallen_silent(now=601 + KEPT_SECONDS)
    assert gaps.heard
    assert not gaps.fallen_silent(now=602 + KEPT_SECONDS)
    assert not gaps.heard
