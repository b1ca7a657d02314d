"""Frames that no widget would send, against the running server: each gets a named answer, and nobody else notices."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staff.models import Widget
from tests.server import Server
from tests.visitor import Visitor
from tests.widget.raw import BINARY, CLOSE, CONTINUED, HELLO, PONG, TEXT, Raw, frame

ERRORS = {"malformed", "too_big", "too_fast", "unknown_type", "invalid", "identity"}
SAID = {"welcome", "ack", "message", "identified", "ping", "pong", "error", "typing", "read"}
CODES = {1000, 1001, 1002, 1007, 1009, 4400, 4401, 4413, 4429}
KEY = "5885fdd4-afd1-4d1f-8ba8-2c3c2a280ec9"
END = "00000000-0000-4000-8000-000000000000"
LAST = json.dumps({"type": "message", "client_id": END, "body": "the end"}).encode()
VALID: list[dict[str, Any]] = [
    json.loads(HELLO),
    {"type": "message", "client_id": KEY, "body": "Hello"},
    {"type": "typing", "on": True},
    {"type": "read", "up_to": 7},
    {"type": "widget", "event": "opened"},
    {"type": "page", "url": "http://site.example/", "title": "Home"},
    {"type": "identify", "name": "Mira", "email": "mira@example.com"},
    {"type": "identify", "identity": {"external_id": "c-1", "hash": "00", "traits": {"plan": "pro"}}},
    {"type": "ping"},
    {"type": "pong"},
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
sources = itertools.count()


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid frame of which some fields are something else, missing, or more than there are."""
    made = dict(draw(st.sampled_from(VALID)))
    for name in draw(st.lists(st.sampled_from([*made, "extra"]), max_size=3)):
        if draw(st.booleans()):
            made[name] = draw(anything)
        else:
            made.pop(name, None)
    return json.dumps(made)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """A valid frame's text with some of its bytes gone or others put in."""
    whole = json.dumps(draw(st.sampled_from(VALID))).encode()
    at = draw(st.integers(0, len(whole)))
    return whole[:at] + draw(st.binary(max_size=6)) + whole[at + draw(st.integers(0, 6)) :]


texts = (
    st.text(max_size=200).map(str.encode)
    | mutated().map(lambda text: text.encode(errors="surrogatepass"))
    | torn()
    | st.integers(1, 3_000).map(lambda deep: b'{"type":"page","url":' + b"[" * deep + b"]" * deep + b"}")
    | st.sampled_from([16_000, 17_000, 70_000]).map(lambda size: b'{"type":"' + b"x" * size + b'"}')
)
clean = st.one_of(
    texts.map(lambda text: whole_frame(TEXT, text)),
    st.binary(max_size=200).map(lambda data: whole_frame(BINARY, data)),
)
noise = st.just(b"") | st.just(b"") | st.binary(min_size=1, max_size=60)


def whole_frame(opcode: int, payload: bytes) -> bytes:
    """A frame of any length, in two fragments where it needs them."""
    if len(payload) <= 60_000:
        return frame(opcode, payload)
    return frame(opcode, payload[:60_000], final=False) + frame(CONTINUED, payload[60_000:])


def checked(tab: Raw) -> int:
    """Reads what the server says until it has answered END, which counts as 0, or to its close code."""
    while True:
        opcode, payload = tab.next_frame()
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big")
        if opcode != TEXT:
            assert opcode == PONG
            continue
        said = json.loads(payload)
        assert said["type"] in SAID, said
        if said["type"] == "error":
            assert said["code"] in ERRORS and isinstance(said["detail"], str), said
        if said.get("client_id") == END:
            return 0


@pytest.mark.parametrize("greeted", [True, False], ids=["after hello", "before hello"])
def test_made_up_frames_get_named_errors_and_codes(
    server: Server, widget: Widget, visit: Callable[..., Visitor], greeted: bool
) -> None:
    other = visit()
    other.hello()
    process, begins = server.process, server.log.stat().st_size
    answered: list[int | None] = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(clean, min_size=1, max_size=6), noise)
    def try_out(made: list[bytes], rest: bytes) -> None:
        # From many addresses: of one they would together be a flood.
        number = next(sources)
        with Raw(server, f"127.88.{number // 250 % 250}.{number % 250 + 1}", seconds=30) as tab:
            (tab.greet if greeted else tab.upgrade)(widget)
            tab.send(b"".join(made) + (rest or frame(TEXT, LAST)))
            if rest:  # what it begins may have no end
                tab.finish()
            try:
                answered.append(checked(tab))
            except (EOFError, ConnectionResetError):
                answered.append(None)
        if len(answered) % 8 == 0:
            assert other.say("still heard")["id"]

    try_out()
    assert set(answered) <= CODES | {0, None}
    assert server.process is process and server.running
    log = server.log.read_bytes()[begins:]
    assert b"socket.failed" not in log and b"Exception in ASGI application" not in log
