"""The visitor socket's frames, as docs/protocol.md has them: one struct a type, and how a bad one is named."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from conversations.models import BODY_CHARS, Message
from users.models import ChatUser

FRAME_BYTES = 16 * 1024
Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class FrameError(Exception):
    """A frame is refused: the contract's error code, what is wrong in words, and the message's client_id if any."""

    def __init__(self, code: str, detail: str, client_id: str | None = None) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.client_id = code, detail, client_id


class Page(Struct):
    url: str = ""
    title: str = ""
    referrer: str = ""


class Hello(Struct):
    v: Literal[1]
    token: str | None = None
    page: Page | None = None
    after: Id = 0
    identity: dict[str, Any] | None = None


class NewText(Struct):
    client_id: str
    body: str


class Typing(Struct):
    on: bool


class Read(Struct):
    up_to: Id


class Widget(Struct):
    event: Literal["opened", "closed"]


class PageView(Struct):
    url: str
    title: str = ""


class Identify(Struct):
    name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    identity: dict[str, Any] | UnsetType = UNSET


class Ping(Struct):
    pass


class Pong(Struct):
    pass


class _Head(Struct):
    type: str


class _Key(Struct):
    client_id: str | None = None


Frame = Hello | NewText | Typing | Read | Widget | PageView | Identify | Ping | Pong

_HEAD = msgspec.json.Decoder(_Head)
_KEY = msgspec.json.Decoder(_Key)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(struct)
    for name, struct in {
        "hello": Hello,
        "message": NewText,
        "typing": Typing,
        "read": Read,
        "widget": Widget,
        "page": PageView,
        "identify": Identify,
        "ping": Ping,
        "pong": Pong,
    }.items()
}


def decode(text: str) -> Frame:
    """The frame in `text`. Raises FrameError: malformed, unknown_type, invalid or too_big."""
    try:
        kind = _HEAD.decode(text).type
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise FrameError("malformed", "not one JSON object with a type") from None
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise FrameError("unknown_type", "no such type of frame")
    try:
        frame = decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FrameError("invalid", str(error)[:200], _client_id(text)) from None
    if isinstance(frame, NewText):
        check_message(frame)
    return frame


def check_message(frame: NewText) -> None:
    """Raises FrameError where the key is no UUID, or the body is empty, holds NUL, or is too long."""
    if not _UUID.fullmatch(frame.client_id):
        raise FrameError("invalid", "client_id is no UUID", frame.client_id[:100])
    if len(frame.body) > BODY_CHARS:
        raise FrameError("too_big", f"body is over {BODY_CHARS} characters", frame.client_id)
    if not frame.body.strip() or "\x00" in frame.body:
        raise FrameError("invalid", "body is empty or holds NUL", frame.client_id)


def _client_id(text: str) -> str | None:
    try:
        found = _KEY.decode(text).client_id
    except (msgspec.MsgspecError, RecursionError):
        return None
    return found[:100] if found is not None else None


def encode(frame_type: str, /, **fields: Any) -> str:
    """A frame to the visitor."""
    return msgspec.json.encode({"type": frame_type, **fields}).decode()


def error_frame(error: FrameError) -> str:
    """The `error` frame for a refused one."""
    fields = {"client_id": error.client_id} if error.client_id is not None else {}
    return encode("error", code=error.code, detail=error.detail, **fields)


def moment(at: dt.datetime) -> str:
    """UTC ISO 8601 with milliseconds: `2026-11-24T10:41:07.120Z`."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message_fields(message: Message) -> dict[str, Any]:
    """A message as `welcome` and `message` carry it."""
    fields = {
        "id": message.pk,
        "from": message.sender,
        "kind": message.kind,
        "body": message.body,
        "data": message.data,
        "at": moment(message.created_at),
        "author": message.author_name,
    }
    if message.client_id is not None and message.sender == "visitor":
        fields["client_id"] = str(message.client_id)
    if message.read_at is not None and message.sender == "visitor":
        fields["read_at"] = moment(message.read_at)
    return fields


def user_fields(person: ChatUser) -> dict[str, Any]:
    """A person as their own widget sees them."""
    return {
        "id": str(person.uuid),
        "name": person.name or None,
        "email": person.email or None,
        "verified": person.verified,
    }
