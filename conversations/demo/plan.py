"""When demo people come and talk: visits and conversations in time, without a word of what is said.

All moments are milliseconds relative to the time of loading, so below zero; all lengths are milliseconds.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
YEAR = 365 * DAY
# With a slot of six hours for each visit, half an hour is always left between two.
SLOT = 6 * HOUR
NEWEST = 20 * 60 * SECOND

OPEN, IDLE, BY_STAFF = "open", "idle", "staff"


@dataclass(slots=True)
class Talk:
    """A conversation in a visit: `said` messages from `start` on over `length`.

    `late`: how long after that the last answer came, the visitor gone (0: none such); they read it at `late_read`
    (0: not yet). `waiting`: how many of the visitor's last messages nobody has read.
    """

    start: int
    length: int
    said: int
    late: int = 0
    late_read: int = 0
    waiting: int = 0
    closing: str = IDLE
    closed: int = 0

    @property
    def end(self) -> int:
        """The moment of its last message."""
        return self.start + self.length + self.late


@dataclass(slots=True)
class Stay:
    """A visit, with or without a conversation. `estimated`: it ended without a goodbye."""

    start: int
    end: int
    room: int
    estimated: bool
    talk: Talk | None = None


@dataclass(frozen=True)
class Wish:
    """What is asked of a person's history: how many messages, how long ago it ended, how it ends."""

    said: int
    ended: int | None = None
    last_said: int = 0
    waiting: int | None = None


def joined(rng: random.Random, number: int, people: int) -> int:
    """When the person of that number came first: later numbers later, the last year through, more and more of them."""
    part = (number + rng.random()) / people
    return -YEAR + round((YEAR - NEWEST) * part**0.8)


def stays(rng: random.Random, first: int, wish: Wish) -> list[Stay]:
    """The visits of somebody who came first at `first`, oldest first, none overlapping, with `wish.said` messages."""
    most = max(1, -first // SLOT)
    parts = _conversations(rng, wish, most)
    looks = min(most - len(parts), int(rng.expovariate(0.9)))
    count = max(1, len(parts) + looks)
    talking = set(rng.sample(range(count), len(parts)))
    found: list[Stay] = []
    said = iter(parts)
    for at, (start, room) in enumerate(_slots(rng, first, count, wish)):
        found.append(_stay(rng, start, room, next(said) if at in talking else 0))
    _finish(rng, found, wish)
    return found


def _conversations(rng: random.Random, wish: Wish, most: int) -> list[int]:
    """How many messages each conversation has."""
    if wish.said == 0:
        return []
    last = wish.last_said if most > 1 else 0
    rest = wish.said - last
    count = min(most - bool(last), max(1, round(rest / rng.uniform(4, 13))), rest) if rest else 0
    weights = [rng.random() + 0.2 for _ in range(count)]
    scale = (rest - count) / sum(weights) if count else 0
    parts = [1 + int(weight * scale) for weight in weights]
    for at in range(rest - sum(parts)):
        parts[at % count] += 1
    return [*parts, last] if last else parts


def _slots(rng: random.Random, first: int, count: int, wish: Wish) -> list[tuple[int, int]]:
    """Start of each visit, and how much room it has."""
    if count == 1:
        return [(first, min(-first, SLOT))]
    end = max(-_ended(rng, first) if wish.ended is None else -wish.ended, first + count * SLOT)
    slot = (end - first) // count
    found = []
    for at in range(count):
        start = first + at * slot + (int(rng.random() * 0.3 * slot) if at else 0)
        found.append((start, first + (at + 1) * slot - start))
    last = min(slot // 2, HOUR + HOUR // 2)
    found[-1] = (end - last, last)
    return found


def _ended(rng: random.Random, first: int) -> int:
    """How long ago a person with several visits was here last: today, this week, or any time since they came."""
    drawn = rng.random()
    if drawn < 0.14:
        return min(int(rng.expovariate(1 / (4 * HOUR))), 23 * HOUR)
    if drawn < 0.36:
        return int(rng.uniform(1, 7) * DAY)
    return int(-first * rng.betavariate(1, 1.6))


def _stay(rng: random.Random, start: int, room: int, said: int) -> Stay:
    estimated = rng.random() < 0.12
    if not said:
        return Stay(start, start + min(int(rng.uniform(4, 500) * SECOND), room // 3), room, estimated)
    lead = min(int(rng.uniform(6, 90) * SECOND), room // 20)
    length = min(int(rng.uniform(15, 70) * (said - 1) * SECOND), room * 2 // 5)
    stay = min(int(rng.uniform(8, 240) * SECOND), room // 10)
    talk = Talk(start + lead, length, said)
    return Stay(start, talk.end + stay, room, estimated, talk)


def _finish(rng: random.Random, found: list[Stay], wish: Wish) -> None:
    """How each conversation ends."""
    talking = [stay for stay in found if stay.talk is not None]
    following = {id(stay): later for stay, later in itertools.pairwise(found)}
    for at, stay in enumerate(talking):
        assert stay.talk is not None
        later = talking[at + 1] if at + 1 < len(talking) else None
        is_last = later is None
        if is_last:
            stay.talk.waiting = _waiting(rng, stay.talk, wish)
        scripted = is_last and wish.last_said
        if stay.talk.said > 1 and not stay.talk.waiting and not scripted and rng.random() < 0.12:
            stay.talk.late = min(int(rng.uniform(0.3, 5) * HOUR), stay.room // 5)
            back = following.get(id(stay))
            stay.talk.late_read = back.start + 5 * SECOND if back is not None else 0
        _close(rng, stay.talk, stay.room, later.talk.start if later is not None and later.talk else None)


def _waiting(rng: random.Random, talk: Talk, wish: Wish) -> int:
    if wish.waiting is not None:
        return min(wish.waiting, talk.said)
    chance = 0.35 if talk.end > -3 * DAY else 0.03
    return min(talk.said, 1 + int(rng.expovariate(0.8)), 6) if rng.random() < chance else 0


def _close(rng: random.Random, talk: Talk, room: int, following: int | None) -> None:
    """Closed by staff, or by itself after a day; before the next conversation begins in any case."""
    drawn = rng.random()
    if following is not None:
        by_staff = following - talk.end <= DAY + HOUR or drawn < 0.6
    elif talk.end > -DAY:
        by_staff = drawn < 0.3 and not talk.waiting
        if not by_staff:
            talk.closing = OPEN
            return
    else:
        by_staff = drawn < 0.6 and not talk.waiting
    talk.closing = BY_STAFF if by_staff else IDLE
    talk.closed = talk.end + (min(int(rng.uniform(40, 900) * SECOND), room // 10) if by_staff else DAY)
