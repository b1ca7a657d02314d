"""What people say of themselves: what a claim may hold, and what it does to their row."""

from __future__ import annotations

from typing import Any

import pytest

from chatadmin.lib.bus import Event
from conversations.counters import wrong
from conversations.models import ActivityEvent
from users.models import ChatUser
from widget.frames import FrameError
from widget.identity import (
    Claims,
    apply_claims,
    claims_of,
)

# -- claims


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        ({}, {}),
        ({"name": "Ann"}, {"name": "Ann"}),
        ({"name": "  Ann  "}, {"name": "Ann"}),
        ({"name": None, "email": None}, {"name": "", "email": ""}),
        ({"name": "", "email": ""}, {"name": "", "email": ""}),
        ({"name": "   "}, {"name": ""}),
        ({"name": "\u200b\u3164"}, {"name": ""}),
        ({"name": "é" * 200}, {"name": "é" * 200}),
        ({"email": " Ann@Example.COM "}, {"email": "Ann@example.com"}),
        ({"email": "ann@bücher.example"}, {"email": "ann@bücher.example"}),
        ({"email": "ann@xn--bcher-kva.example"}, {"email": "ann@bücher.example"}),
    ],
)
def test_claims(raw: dict[str, Any], fields: dict[str, str]):
    assert claims_of(raw) == Claims(fields)


@pytest.mark.parametrize("name", [7, True, [], {}, "a" * 201, "a\x00b", "a\nb", "\ud83d", "\x9f"])
def test_names_that_can_not_be(name: object):
    with pytest.raises(FrameError) as caught:
        claims_of({"name": name})
    assert (caught.value.code, caught.value.detail.partition(":")[0]) == ("invalid", "name")


@pytest.mark.parametrize(
    "email",
    [
        7,
        [],
        "ann",
        "ann@",
        "@example.com",
        "a b@example.com",
        "ann@example",
        "ann@exam ple.com",
        " ",
        "ann@example.com\x00",
        "ann@example.com\nbcc: x@example.com",
        "Ann <ann@example.com>",
        "a@" + "b" * 300 + ".com",
        "\ud800@example.com",
        "ann@\ud800.com",
        "ann@[127.0.0.1]",
        "\u0958" * 120 + "@example.com",
    ],
)
def test_addresses_that_can_not_be(email: object):
    with pytest.raises(FrameError) as caught:
        claims_of({"email": email})
    assert (caught.value.code, caught.value.detail.partition(":")[0]) == ("invalid", "email")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"plan": "pro", "seats": 7, "ok": True, "none": None, "share": 0.5, "list": [1, {"a": "b"}]},
        {str(number): number for number in range(50)},
        {"a": "x" * 4_000},
        {"a": nested(5)},
        {"a": "\\u0000", "b": "🎉", "c": 10**30},
        {"": ""},
    ],
)
def test_traits(traits: dict[str, Any]):
    assert claims_of({"traits": traits}) == Claims({}, traits)


@pytest.mark.parametrize(
    "traits",
    [
        [],
        "x",
        7,
        True,
        {str(number): number for number in range(51)},
        {"a": "x" * 4_096},
        {"x" * 4_096: 1},
        {"a": nested(6)},
        {"a": nested(900)},
        {"a": "x\x00"},
        {"x\x00": 1},
        {"a": [{"b": "\x00"}]},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": 1e300},
        {"a": float("nan")},
        {"a": float("inf")},
    ],
)
def test_traits_that_can_not_be(traits: object):
    with pytest.raises(FrameError) as caught:
        claims_of({"traits": traits})
    assert (caught.value.code, caught.value.detail.partition(":")[0]) == ("invalid", "traits")


def test_traits_of_null_are_none_named():
    assert claims_of({"traits": None}) == Claims()


# -- what claims do to a row


def test_a_claim_names_an_anonymous_visitor(visitor: ChatUser, told: list[Event]):
    assert apply_claims(visitor, Claims({"name": "Élodie", "email": "E@example.com"})) == ["name", "email"]
    visitor.refresh_from_db()
    assert (visitor.name, visitor.name_folded) == ("Élodie", "elodie")
    assert (visitor.email, visitor.email_folded) == ("E@example.com", "e@example.com")
    assert visitor.identified_at is not None and not visitor.verified and not visitor.is_anonymous
    event = ActivityEvent.objects.get()
    assert (event.kind, event.data) == ("identified", {"fields": ["name", "email"]})
    assert told == [
        Event("event.recorded", str(visitor.uuid), {"id": event.pk, "kind": "identified"}),
        Event("user.changed", str(visitor.uuid), {"fields": ["name", "email"]}),
    ]
    assert list(wrong()) == []


def test_the_same_claim_again_changes_nothing(visitor: ChatUser, told: list[Event]):
    claims = Claims({"name": "Ann"}, {"plan": "pro"})
    apply_claims(visitor, claims)
    identified_at = visitor.identified_at
    told.clear()
    assert apply_claims(visitor, claims) == []
    assert apply_claims(visitor, Claims()) == []
    assert (told, ActivityEvent.objects.count(), visitor.identified_at) == ([], 1, identified_at)


def test_clearing_everything_makes_anonymous_again(visitor: ChatUser, told: list[Event]):
    apply_claims(visitor, Claims({"name": "Ann"}))
    assert apply_claims(visitor, Claims({"name": ""})) == ["name"]
    visitor.refresh_from_db()
    assert (visitor.name, visitor.name_folded, visitor.identified_at) == ("", None, None)
    assert visitor.is_anonymous
    # Somebody who said less than before has not identified themselves.
    assert ActivityEvent.objects.count() == 1


def test_traits_are_replaced_and_stay_where_unnamed(visitor: ChatUser):
    apply_claims(visitor, Claims({}, {"plan": "pro", "seats": 7}))
    apply_claims(visitor, Claims({"name": "Ann"}))
    assert visitor.traits == {"plan": "pro", "seats": 7}
    apply_claims(visitor, Claims({}, {"plan": "free"}))
    visitor.refresh_from_db()
    assert visitor.traits == {"plan": "free"}


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "ﷺ" * 200},
        {"name": "\U0001f469\u200d\U0001f4bb" * 66},
        {"email": "ﷺ" * 20 + "@example.com"},
        {
            "traits": {
                "a": "🎉" * 900,
                "b": 10**30,
                "c": 5e-324,
                "e": 9007199254740992.0,
                "d": "\u202e",
                "\u202e": nested(3),
            }
        },
    ],
)
def test_the_longest_claims_fit(visitor: ChatUser, raw: dict[str, Any]):
    apply_claims(visitor, claims_of(raw))
    visitor.refresh_from_db()
    assert visitor.traits == raw.get("traits", {})
    assert visitor.name == raw.get("name", "")
    assert list(wrong()) == []
