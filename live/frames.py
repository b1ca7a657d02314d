"""What a staff page says over its socket: what it shows, that somebody types, that they have read."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from live.fragments import MARKS

WATCHED = 200
LIST_CHARS = 8_000
KEY_CHARS = 30
Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class BadFrame(Exception):
    """A page of ours doesn't send such a thing."""


class Watch(Struct):
    """The people on screen, and the one whose profile is open.

    `log`, `timeline`: whether their history, their timeline is shown; `last`: the id of the last message, None where
    the newest isn't shown; `unread`: the ids of those shown that nobody has read, as far as the page knows; `entry`:
    the key of the newest entry. `list`: the query string of the user list that is shown; who is new to it is counted.
    `counted`: those whom the page says to be new already. `live`: whether those who are here are shown.
    """

    users: Annotated[Sequence[uuid.UUID], Meta(max_length=WATCHED)] = ()
    open: uuid.UUID | None = None
    log: bool = True
    last: Id | None = None
    unread: Annotated[Sequence[Id], Meta(max_length=MARKS)] = ()
    timeline: bool = True
    entry: Annotated[str, Meta(max_length=KEY_CHARS)] | None = None
    live: bool = False
    list: Annotated[str, Meta(max_length=LIST_CHARS)] | None = None
    counted: Annotated[Sequence[uuid.UUID], Meta(max_length=WATCHED)] = ()


class Typing(Struct):
    user: uuid.UUID
    on: bool


class Read(Struct):
    user: uuid.UUID
    up_to: Id


class Pong(Struct):
    pass


class _Head(Struct):
    type: str


Frame = Watch | Typing | Read | Pong
_HEAD = msgspec.json.Decoder(_Head)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(struct)
    for name, struct in {"watch": Watch, "typing": Typing, "read": Read, "pong": Pong}.items()
}


def decode(text: str) -> Frame:
    """The frame in `text`. Raises BadFrame."""
    try:
        return _DECODERS[_HEAD.decode(text).type].decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, KeyError) as error:
        raise BadFrame from error
