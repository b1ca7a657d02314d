"""Loads synthetic people with their history, so that everything counted in a row agrees with the rows it counts.

Two passes. The first draws people in the order in which they joined and writes them with their visits and events;
it keeps 100 bytes for each conversation. The second walks the conversations in the order in which they began and
writes their messages, so that ids follow time as they do in a chat that has run for a year.
"""

from __future__ import annotations

import datetime as dt
import random
from array import array
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from conversations.demo import cast, people, plan, tables
from conversations.demo.talks import Agenda, TalkWriter
from conversations.demo.visitors import PeopleWriter
from staff.models import Account
from users.models import ChatUser

WHOLE = 100_000
PEOPLE_CHUNK = 5_000
MESSAGES_CHUNK = 20_000
SILENT_SHARE = 0.08
# Shares by rank, Zipf-Mandelbrot: flat at the top, so that no one person is the whole load.
SHARE_SHIFT, SHARE_EXPONENT = 8.0, 1.3


class RealPeople(Exception):
    """The database holds people that no demo made."""


class AlreadyLoaded(Exception):
    """The database holds the demo of this seed."""


@dataclass(frozen=True)
class Loaded:
    """How many of each were written. `messages` counts what people and staff said; `system_lines` came beside."""

    people: int
    visits: int
    events: int
    conversations: int
    messages: int
    system_lines: int


def has_real_people() -> bool:
    """Whether anybody is there whom no demo made.

    Demo people carry the trait `{"demo": true}`, as a site's own traits would: staff see it on the profile, an
    export hands it over, and it goes with the person. Whoever comes through the widget has no such trait, the
    simulated visitors included: what they wrote came in by the public door.
    """
    marks = ChatUser.objects.order_by("pk").values_list("traits", flat=True)
    return any(traits.get("demo") is not True for traits in marks.iterator())


def load_demo(
    *,
    users: int = 400,
    messages: int = 9_000,
    seed: int = 1,
    now: dt.datetime | None = None,
    staff: Sequence[Account] = (),
    signature: str = "",
    force: bool = False,
) -> Loaded:
    """Writes `users` people who, with `staff`, said `messages` in the year before `now` (default: this moment).

    The same arguments give the same rows, ids aside; another `now` moves every time by the difference. Without
    `staff` the answers bear a name and no account; with a `signature` a fifth of all messages ends in it. Up to
    100,000 messages it is all or nothing; larger loads are written in chunks, and one that was broken off is left
    as it is. Raises RealPeople unless `force`, AlreadyLoaded, ValueError for numbers that can't be had.
    """
    if users < 0 or messages < 0 or (messages and not users):
        raise ValueError("messages need people who write them")
    now = (now or timezone.now()).astimezone(dt.UTC)
    if not force and has_real_people():
        raise RealPeople
    whole = transaction.atomic() if messages <= WHOLE and users <= WHOLE else nullcontext()
    with tables.tuned(), whole:
        writer = PeopleWriter(now=now, seed=seed, staff=staff)
        agenda = _write_people(writer, users, messages, seed)
        talks = TalkWriter(agenda, now=now, seed=seed, staff=staff, signature=signature)
        for _ in talks.write(MESSAGES_CHUNK):
            pass
    return Loaded(
        people=users,
        visits=writer.visits_written,
        events=writer.events_written,
        conversations=len(agenda),
        messages=messages,
        system_lines=talks.system_lines,
    )


def _write_people(writer: PeopleWriter, users: int, messages: int, seed: int) -> Agenda:
    agenda = Agenda()
    roles = cast.assign(users, messages)
    shares = _shares(random.Random(f"{seed}/shares"), users, messages, roles)
    for start in range(0, users, PEOPLE_CHUNK):
        with tables.chunk(writer.tables):
            for number in range(start, min(start + PEOPLE_CHUNK, users)):
                rng = random.Random(f"{seed}/{number}")
                role = roles.get(number)
                who = people.draw(rng, number, seed, role)
                if number == 0 and ChatUser.objects.filter(uuid=who.uuid).exists():
                    raise AlreadyLoaded
                first = plan.joined(rng, number, users)
                writer.add(rng, who, plan.stays(rng, first, _wish(role, shares[number])), agenda, role)
    return agenda


def _wish(role: cast.Role | None, said: int) -> plan.Wish:
    if role is None:
        return plan.Wish(said)
    return plan.Wish(
        said=role.said,
        ended=round(role.ended_hours * plan.HOUR),
        last_said=len(role.talk),
        waiting=role.waiting if role.talk or role.waiting else None,
    )


def _shares(rng: random.Random, users: int, messages: int, roles: dict[int, cast.Role]) -> array[int]:
    """How many messages each person has: few have very many, most a handful, some none."""
    others = [number for number in range(users) if number not in roles]
    shares = array("q", bytes(8 * users))
    left = messages - sum(role.said for role in roles.values())
    for number, role in roles.items():
        shares[number] = role.said
    talkers = min(left, round(len(others) * (1 - SILENT_SHARE)) or len(others))
    for number, share in zip(_by_rank(rng, others), _zipf_parts(left, talkers), strict=False):
        shares[number] = share
    return shares


def _by_rank(rng: random.Random, others: list[int]) -> list[int]:
    """`others` in random order, the first twentieth taken from those who have been here long."""
    early = others[: len(others) * 3 // 5]
    rng.shuffle(early)
    loudest = early[: len(others) // 20 + 1]
    taken = set(loudest)
    rest = [number for number in others if number not in taken]
    rng.shuffle(rest)
    return loudest + rest


def _zipf_parts(total: int, ranks: int) -> Iterator[int]:
    """`ranks` whole numbers, each at least 1, that add up to `total`, large ones first."""
    power = 1 - SHARE_EXPONENT
    top, bottom = SHARE_SHIFT**power, (SHARE_SHIFT + ranks) ** power
    given = 0
    for rank in range(1, ranks + 1):
        reached = round((total - ranks) * (top - (SHARE_SHIFT + rank) ** power) / (top - bottom))
        yield 1 + reached - given
        given = reached
