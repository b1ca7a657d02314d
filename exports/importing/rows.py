"""What a row of each kind has to be. Texts are bounded as the tables bound them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from users.models import EXTERNAL_ID_CHARS, NAME_CHARS, NOTE_CHARS, REASON_CHARS, URL_CHARS
from users.text import EMAIL_CHARS

BODY_CHARS = 100_000
YEARS = range(1900, 2200)

Moment = Annotated[dt.datetime, Meta(tz=True)]
Author = Annotated[str, Meta(max_length=100)]


class BadRow(ValueError):
    """The row can't go in; says why, without quoting it."""


class Device(Struct, kw_only=True):
    """What a browser said of itself."""

    browser: Annotated[str, Meta(max_length=60)] = ""
    browser_version: Annotated[str, Meta(max_length=20)] = ""
    os: Annotated[str, Meta(max_length=60)] = ""
    device_kind: Annotated[str, Meta(max_length=10)] = ""


class Profile(Device, kw_only=True):
    """A person. Counters are counted, not taken."""

    uuid: uuid.UUID
    name: Annotated[str, Meta(max_length=NAME_CHARS)] = ""
    email: Annotated[str, Meta(max_length=EMAIL_CHARS)] = ""
    external_id: Annotated[str, Meta(min_length=1, max_length=EXTERNAL_ID_CHARS)] | None = None
    verified_at: Moment | None = None
    identified_at: Moment | None = None
    traits: dict[str, Any] = {}
    first_seen: Moment
    last_active: Moment | None = None
    is_vip: bool = False
    vip_reason: Annotated[str, Meta(max_length=REASON_CHARS)] | None = None
    blocked_at: Moment | None = None
    held_at: Moment | None = None


class Visit(Device, kw_only=True):
    """A visit. `id` is the file's own; activity names it."""

    id: Any = None
    started_at: Moment
    last_seen_at: Moment
    ended_at: Moment | None = None
    how_ended: Literal["", "left", "estimated"] = ""
    landing_url: Annotated[str, Meta(max_length=URL_CHARS)] = ""
    landing_title: Annotated[str, Meta(max_length=300)] = ""
    referrer: Annotated[str, Meta(max_length=URL_CHARS)] = ""
    network: Annotated[str, Meta(max_length=50)] = ""


class Conversation(Struct, kw_only=True):
    """A conversation. `id` is the file's own; messages name it."""

    id: Any = None
    status: Literal["open", "closed"]
    turn: Literal["staff", "visitor"] = "staff"
    started_at: Moment
    last_message_at: Moment
    closed_at: Moment | None = None


class Message(Struct, kw_only=True):
    """A message of the conversation whose id in the file is `conversation`."""

    conversation: Any
    sender: Literal["visitor", "staff", "bot", "system"] = field(name="from")
    kind: Literal["text", "image", "file", "form", "system"] = "text"
    body: Annotated[str, Meta(max_length=BODY_CHARS)] = ""
    data: Any = None
    at: Moment
    author: Author = ""
    read_at: Moment | None = None


class Activity(Struct, kw_only=True):
    """Something that was done, in the visit whose id in the file is `visit`."""

    kind: Literal[
        "first_visit",
        "visit",
        "page",
        "widget_opened",
        "widget_closed",
        "identified",
        "merged",
        "mailed",
        "blocked",
        "unblocked",
    ]
    at: Moment
    visit: Any = None
    data: dict[str, Any] = {}


class Tag(Struct, kw_only=True):
    """A tag on the person."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    at: Moment


class Note(Struct, kw_only=True):
    """A note about the person."""

    body: Annotated[str, Meta(max_length=NOTE_CHARS)]
    author: Author = ""
    at: Moment


class Merge(Struct, kw_only=True):
    """An earlier visitor that was joined into the person."""

    uuid: uuid.UUID
    at: Moment
    undone_at: Moment | None = None
    profile: dict[str, Any]


KINDS: Mapping[str, type[Struct]] = {
    "profile": Profile,
    "visits": Visit,
    "conversations": Conversation,
    "messages": Message,
    "activity": Activity,
    "tags": Tag,
    "notes": Note,
    "merges": Merge,
}


def checked(kind: str, value: Any) -> Any:
    """The struct of a row. Raises BadRow."""
    try:
        row = msgspec.convert(value, KINDS[kind])
    except msgspec.ValidationError as error:
        raise BadRow(_without_values(str(error))) from None
    for name in row.__struct_fields__:
        _check(name, getattr(row, name))
    return row


def _check(name: str, value: Any) -> None:
    if not all(is_storable(text) for text in _texts(value)):
        raise BadRow(f"{name} holds what no text can: NUL or half of a surrogate pair")
    if isinstance(value, dt.datetime) and value.year not in YEARS:
        raise BadRow(f"{name} is in no year from {YEARS.start} to {YEARS.stop - 1}")


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, however deep, and its keys."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one


def is_storable(text: str) -> bool:
    """Whether every database can hold the text."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_values(reason: str) -> str:
    """What msgspec says, which quotes the value only of a wrong choice."""
    before, found, after = reason.partition("Invalid enum value ")
    return f"not one of the known values{after[after.rfind(' - at') :]}" if found and not before else reason
