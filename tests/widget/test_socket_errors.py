"""Each error frame, for the frame that caused it; the socket goes on and nothing is lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from conversations.models import Message
from tests.visitor import Visitor
from users.models import ChatUser

Open = Callable[..., Visitor]
DEEP = '{"type":"page","url":' + "[" * 5000 + "]" * 5000 + "}"


@pytest.fixture
def tab(visit: Open) -> Visitor:
    tab = visit()
    tab.hello()
    return tab


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "7",
        "{}",
        '{"type": 1}',
        '{"type": null}',
        '{"type": "ping"} trailing',
        '{"type": "ping", "x": NaN}',
        '{"type": "ping", "x": "\\ud800"}',
        "\ufeff" + '{"type": "ping"}',
        '{"type": "ping",}',
        b"\x00\xff",
        b'{"type": "ping"}',
    ],
)
def test_malformed(tab: Visitor, raw: str | bytes) -> None:
    tab.raw(raw)
    assert tab.error()["code"] == "malformed"
    assert tab.say("still here")["id"]


def test_deep_nesting_is_malformed(tab: Visitor) -> None:
    tab.raw(DEEP)
    assert tab.error()["code"] in {"malformed", "invalid"}
    assert tab.say("still here")["id"]


@pytest.mark.parametrize("kind", ["", "welcome", "MESSAGE", "message ", "é", "x" * 1000])
def test_unknown_type(tab: Visitor, kind: str) -> None:
    tab.send(kind)
    assert tab.error()["code"] == "unknown_type"


@pytest.mark.parametrize("body", ["", "   ", "\n\t ", "\u3000", "a\x00b", None, 7, ["a"], {}])
def test_a_body_that_says_nothing_is_invalid(tab: Visitor, body: object) -> None:
    key = str(uuid.uuid4())
    tab.send("message", client_id=key, body=body)
    error = tab.error()
    assert (error["code"], error["client_id"]) == ("invalid", key)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "key", ["", "7", "not-a-uuid", "{5885fdd4-afd1-4d1f-8ba8-2c3c2a280ec9}", "5" * 32, None, 5, []]
)
def test_a_bad_client_id_is_invalid(tab: Visitor, key: object) -> None:
    tab.send("message", client_id=key, body="hello")
    assert tab.error()["code"] == "invalid"
    assert not Message.objects.exists()


def test_a_missing_client_id_is_invalid(tab: Visitor) -> None:
    tab.send("message", body="hello")
    assert tab.error()["code"] == "invalid"


def test_a_body_over_its_length_is_too_big_and_one_at_it_is_not(tab: Visitor) -> None:
    """The length counts code points: 4,000 of the widest still fit into a frame."""
    key = str(uuid.uuid4())
    frame = {"type": "message", "client_id": key, "body": "a" * 4001}
    tab.raw(json.dumps(frame))
    error = tab.error()
    assert (error["code"], error["client_id"]) == ("too_big", key)
    tab.raw(json.dumps(frame | {"body": "🎉" * 4000}, ensure_ascii=False))
    tab.expect("ack")
    assert Message.objects.get().body == "🎉" * 4000


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "typing"},
        {"type": "typing", "on": "yes"},
        {"type": "read"},
        {"type": "read", "up_to": "7"},
        {"type": "read", "up_to": 2**63},
        {"type": "read", "up_to": 1.5},
        {"type": "widget", "event": "exploded"},
        {"type": "page"},
        {"type": "page", "url": 7},
        {"type": "identify", "name": 7},
        {"type": "identify", "name": "x" * 201},
        {"type": "identify", "name": "a\x00b"},
        {"type": "identify", "email": "not an address"},
        {"type": "identify", "email": "a@" + "b" * 300 + ".example"},
        {"type": "identify", "identity": "me"},
        {"type": "identify", "identity": {"external_id": "with\ncontrols", "hash": "00"}},
        {"type": "identify", "identity": {"external_id": "", "hash": "00"}},
        {"type": "identify", "identity": {"external_id": "x" * 201, "hash": "00"}},
    ],
)
def test_invalid_fields(tab: Visitor, frame: dict[str, object]) -> None:
    tab.raw(json.dumps(frame))
    error = tab.error()
    assert error["code"] == "invalid" and error["detail"]
    assert tab.say("still here")["id"]
    assert ChatUser.objects.get(uuid=tab.user["id"]).is_anonymous


def test_more_than_ten_messages_at_once_are_too_fast_and_the_ten_are_kept(tab: Visitor) -> None:
    keys = [str(uuid.uuid4()) for _ in range(15)]
    for number, key in enumerate(keys):
        tab.send("message", client_id=key, body=f"line {number}")
    error = tab.error()
    assert error["code"] == "too_fast" and error["client_id"] in keys[10:]
    tab.send("ping")
    tab.expect("pong")
    kept = list(Message.objects.order_by("id").values_list("body", flat=True))
    assert kept[:10] == [f"line {number}" for number in range(10)] and len(kept) < 15


def test_message_budgets_are_the_persons_not_the_tabs(visit: Open, tab: Visitor) -> None:
    other = visit()
    other.token = tab.token
    other.hello()
    for _ in range(10):
        tab.send("message", client_id=str(uuid.uuid4()), body="from one tab")
    tab.send("ping")
    tab.expect("pong")
    codes = []
    for _ in range(3):
        other.send("message", client_id=str(uuid.uuid4()), body="from another")
        other.send("ping")
        frame = json.loads(other.socket.recv())
        while frame["type"] != "pong":
            codes += [frame["code"]] if frame["type"] == "error" else []
            frame = json.loads(other.socket.recv())
    assert "too_fast" in codes


def test_typing_more_than_once_a_second_is_too_fast(tab: Visitor) -> None:
    tab.send("typing", on=True)
    tab.send("typing", on=True)
    assert tab.error()["code"] == "too_fast"
