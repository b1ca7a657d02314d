"""The people whom every demo of some size has: regulars, and the edge cases that support meets sooner or later."""

from __future__ import annotations

import functools
import itertools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from conversations.demo.speech import Line, parse_line

CAST = Path(__file__).with_name("cast.toml")


@dataclass(frozen=True)
class Role:
    """One of the cast. `said`: messages in all; `talk`: the last conversation; `joined`: 0 a year ago, 1 now."""

    joined: float
    ended_hours: float
    said: int
    name: str = ""
    email: str = ""
    language: str = "en"
    external_id: str = ""
    vip: bool = False
    vip_reason: str = ""
    blocked: bool = False
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waiting: int = 0
    talk: list[Line] = field(default_factory=list)


@functools.cache
def cast() -> list[Role]:
    """All of them, in the order of the file."""
    roles = []
    for raw in tomllib.loads(CAST.read_text(encoding="utf-8"))["person"]:
        chars = raw.pop("first_line_chars", 0)
        talk = [parse_line(line) for line in raw.pop("talk", [])]
        if chars:
            talk[0] = Line(talk[0].sender, talk[0].kind, _long(talk[0].text, chars))
        roles.append(Role(talk=talk, **raw))
    return roles


def _long(text: str, chars: int) -> str:
    return " ".join(itertools.repeat(text, chars // len(text) + 1))[:chars].rstrip()


def assign(people: int, messages: int) -> dict[int, Role]:
    """Who of the cast is which of `people`, numbered in the order in which they joined.

    Half of the people and three quarters of the messages at most go to the cast, the first of the file first;
    the regular says no more than a fifth of all.
    """
    taken: dict[int, Role] = {}
    left = messages * 3 // 4
    for role in cast()[: people // 2]:
        said = role.said if role.said <= 250 else min(role.said, messages * 212 // 1000)
        if said > left or said < len(role.talk):
            continue
        place = round(role.joined * (people - 1))
        while place in taken:
            place = (place + 1) % people
        taken[place] = role if said == role.said else _with_said(role, said)
        left -= said
    return taken


def _with_said(role: Role, said: int) -> Role:
    return Role(**{**vars(role), "said": said})
