"""The frames of the visitor socket: what text becomes which frame, and what refuses every other."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.models import Message
from tests.factories import make_messages, make_person
from widget import frames
from widget.frames import FrameError, decode

KEY = "0b9f3c1e-6f0a-4c1e-9a55-5d1f3a3b7c11"
TYPES = ["hello", "message", "typing", "read", "widget", "page", "identify", "ping", "pong"]


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def refused(text: str) -> tuple[str, str | None]:
    """The error's code and client_id. Fails where `text` is a frame."""
    with pytest.raises(FrameError) as caught:
        decode(text)
    assert caught.value.detail
    return caught.value.code, caught.value.client_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (frame("hello", v=1), frames.Hello(1)),
        (
            frame("hello", v=1, token="t", page={"url": "u", "title": "t", "referrer": "r"}, after=7),
            frames.Hello(1, "t", frames.Page("u", "t", "r"), 7),
        ),
        (frame("hello", v=1, token=None, page=None, identity=None), frames.Hello(1)),
        (frame("hello", v=1, identity={"external_id": "x"}), frames.Hello(1, identity={"external_id": "x"})),
        (frame("hello", v=1, after=-5), frames.Hello(1, after=-5)),
        (frame("message", client_id=KEY, body=" Hi\n"), frames.NewText(KEY, " Hi\n")),
        (frame("typing", on=True), frames.Typing(True)),
        (frame("read", up_to=2**63 - 1), frames.Read(2**63 - 1)),
        (frame("widget", event="opened"), frames.Widget("opened")),
        (frame("page", url="https://a.example/"), frames.PageView("https://a.example/")),
        (frame("identify", name=None), frames.Identify(name=None)),
        (frame("identify", email="a@b.example"), frames.Identify(email="a@b.example")),
        (frame("identify", identity={}), frames.Identify(identity={})),
        (frame("ping"), frames.Ping()),
        (frame("pong", anything=[1, {"else": None}]), frames.Pong()),
    ],
)
def test_frames(text: str, expected: frames.Frame):
    assert decode(text) == expected


def test_what_is_not_said_is_not_null():
    given_frame = decode(frame("identify", name="Ann"))
    assert isinstance(given_frame, frames.Identify)
    assert (given_frame.name, given_frame.email, given_frame.identity) == ("Ann", frames.UNSET, frames.UNSET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[]",
        "7",
        '"hello"',
        "{}",
        '{"type": 7}',
        '{"type": null}',
        '{"type": "ping"',
        '{"type": "ping"} {"type": "ping"}',
        "{'type': 'ping'}",
        '{"type": "ping", "x": NaN}',
        '{"type": "ping", "x": 01}',
        '{"type": "\\ud800"}',
        '\ufeff{"type": "ping"}',
        '{"type": "ping"}\x00',
        "[" * 16_000,
        '{"a":' * 3_000,
        '{"type": "ping", "x": ' + "[" * 8_000,
        '{"type": "ping", "x": "\ud800"}',
    ],
)
def test_what_is_no_frame_at_all(text: str):
    assert refused(text) == ("malformed", None)


@pytest.mark.parametrize("kind", ["", "Hello", "hello ", "welcome", "__proto__", "message\x00", "é"])
def test_types_that_are_not_there(kind: str):
    assert refused(frame(kind, client_id=KEY))[0] == "unknown_type"


@pytest.mark.parametrize(
    "text",
    [
        frame("hello"),
        frame("hello", v=2),
        frame("hello", v="1"),
        frame("hello", v=True),
        frame("hello", v=1, token=7),
        frame("hello", v=1, page="https://a.example/"),
        frame("hello", v=1, page={"url": 7}),
        frame("hello", v=1, after="7"),
        frame("hello", v=1, after=None),
        frame("hello", v=1, after=1.5),
        frame("hello", v=1, after=2**63),
        frame("hello", v=1, after=10**40),
        frame("hello", v=1, identity=[]),
        frame("hello", v=1, identity="x"),
        frame("typing"),
        frame("typing", on=1),
        frame("typing", on=None),
        frame("read", up_to="1"),
        frame("read", up_to=-(2**63) - 1),
        frame("read"),
        frame("widget", event="ajar"),
        frame("widget", event=None),
        frame("page"),
        frame("page", url=None),
        frame("identify", name=7),
        frame("identify", email=[]),
        frame("identify", identity=None),
        frame("identify", identity=[]),
    ],
)
def test_fields_that_can_not_be(text: str):
    assert refused(text) == ("invalid", None)


def test_a_reason_is_short():
    with pytest.raises(FrameError) as caught:
        decode(frame("widget", event="x" * 10_000))
    assert len(caught.value.detail) <= 200


@pytest.mark.parametrize(
    "body", ["a", " a ", "\u200b", "é" * 4_000, "🎉" * 4_000, "\x01\x1f\x7f", "a\u2028b", "\\u0000"]
)
def test_bodies(body: str):
    found = decode(frame("message", client_id=KEY, body=body))
    assert isinstance(found, frames.NewText)
    assert found.body == body


@pytest.mark.parametrize(
    "body", ["", " ", "\n\t\r ", "\u00a0\u2003\u3000", "a\x00b", "\x00", None, 7, [], {}]
)
def test_bodies_that_can_not_be(body: object):
    assert refused(frame("message", client_id=KEY, body=body)) == ("invalid", KEY)


@pytest.mark.parametrize("body", ["a" * 4_001, "🎉" * 4_001, " " * 4_001])
def test_bodies_that_are_too_long(body: str):
    assert refused(frame("message", client_id=KEY, body=body)) == ("too_big", KEY)


@pytest.mark.parametrize(
    "key", [KEY, KEY.upper(), str(uuid.UUID(int=0)), "e0685a20-e838-11f1-a20a-02fc00000001"]
)
def test_client_ids(key: str):
    found = decode(frame("message", client_id=key, body="Hi"))
    assert isinstance(found, frames.NewText)
    assert uuid.UUID(found.client_id) == uuid.UUID(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "7",
        KEY.replace("-", ""),
        "{" + KEY + "}",
        "urn:uuid:" + KEY,
        KEY + "\n",
        KEY[:-1] + "٣",
        KEY + "0",
        "x" * 10_000,
    ],
)
def test_client_ids_that_can_not_be(key: str):
    assert refused(frame("message", client_id=key, body="Hi")) == ("invalid", key[:100])


@pytest.mark.parametrize("key", [None, 7, [], {"a": 1}])
def test_client_ids_of_another_kind(key: object):
    assert refused(frame("message", client_id=key, body="Hi")) == ("invalid", None)
    assert refused(frame("message", body="Hi")) == ("invalid", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "v",
            "token",
            "page",
            "after",
            "identity",
            "client_id",
            "body",
            "on",
            "up_to",
            "event",
            "url",
            "name",
        ]
    ),
    JSON,
    max_size=6,
)
MORE = settings(deadline=None, max_examples=300, database=None)


def decoded(text: str) -> frames.Frame | None:
    """The frame; None where it was refused as the contract has it. Any other exception is a failure."""
    try:
        return decode(text)
    except FrameError as refusal:
        error = refusal
    assert error.code in {"malformed", "unknown_type", "invalid", "too_big"}
    assert json.loads(frames.error_frame(error))["code"] == error.code
    return None


@MORE
@given(st.text(st.characters(categories=None, exclude_categories=()), max_size=200))
def test_any_text_is_a_frame_or_refused(text: str):
    decoded(text)


@MORE
@given(st.sampled_from(TYPES), FIELDS)
def test_any_fields_are_a_frame_or_refused(kind: str, fields: dict[str, Any]):
    decoded(json.dumps({"type": kind, **fields}))


@MORE
@given(st.sampled_from(TYPES), FIELDS, st.integers(0, 400), st.binary(max_size=4))
def test_any_damage_is_a_frame_or_refused(kind: str, fields: dict[str, Any], at: int, put: bytes):
    raw = json.dumps({"type": kind, "v": 1, "client_id": KEY, "body": "Hi", **fields}).encode()
    decoded((raw[:at] + put + raw[at:]).decode("utf-8", "surrogateescape"))
    decoded((raw[:at] + raw[at + 1 :]).decode())


def test_an_error_names_its_message():
    assert json.loads(frames.error_frame(FrameError("invalid", "body", KEY))) == {
        "type": "error",
        "code": "invalid",
        "detail": "body",
        "client_id": KEY,
    }
    assert "client_id" not in json.loads(frames.error_frame(FrameError("malformed", "no")))


def test_times_are_utc_with_milliseconds():
    zone = dt.timezone(dt.timedelta(hours=2))
    assert frames.moment(dt.datetime(2026, 11, 24, 12, 41, 7, 120_999, zone)) == "2026-11-24T10:41:07.120Z"
    assert frames.moment(dt.datetime(2026, 11, 24, tzinfo=dt.UTC)) == "2026-11-24T00:00:00.000Z"


@pytest.mark.django_db
def test_a_message_as_the_visitor_sees_it():
    theirs, ours = make_messages(make_person(), ("visitor", "Hi\n🎉"), ("staff", "Hello"))
    Message.objects.filter(pk=theirs.pk).update(client_id=KEY)
    Message.objects.filter(pk=ours.pk).update(
        client_id=KEY.replace("0", "1"), author_name="Dana", data={"a": 1}
    )
    theirs.refresh_from_db()
    ours.refresh_from_db()
    assert frames.message_fields(theirs) == {
        "id": theirs.pk,
        "from": "visitor",
        "kind": "text",
        "body": "Hi\n🎉",
        "data": None,
        "at": frames.moment(theirs.created_at),
        "author": "",
        "client_id": KEY,
    }
    assert "client_id" not in frames.message_fields(ours)
    assert (frames.message_fields(ours)["author"], frames.message_fields(ours)["data"]) == ("Dana", {"a": 1})


@pytest.mark.django_db
def test_a_person_as_their_own_widget_sees_them():
    person = make_person("", "ann@example.com", external_id="secret-7", traits={"plan": "pro"})
    assert frames.user_fields(person) == {
        "id": str(person.uuid),
        "name": None,
        "email": "ann@example.com",
        "verified": False,
    }
