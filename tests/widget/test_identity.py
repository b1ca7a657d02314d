"""Who someone is: what a signature proves, and whom a hello belongs to."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatadmin.lib.bus import Event
from conversations.actions import Gone, NewMessage, write_message
from conversations.counters import wrong
from conversations.models import ActivityEvent, MergeJournal
from staff.models import Widget
from tests.factories import make_person
from tests.threads import together
from tests.widget.signing import signed
from users.models import ChatUser, VisitorToken
from widget import identity as module
from widget.frames import FrameError
from widget.identity import (
    Claims,
    Identity,
    IdentityRefused,
    apply_claims,
    check,
    new_tokens,
    people_of_tokens,
    person_of_identity,
    token_hash,
)

WIDGET = Widget(identity_secret="5f" * 32)
OTHER = Widget(identity_secret="6f" * 32)
NOW = 1_790_000_000
SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


# -- signatures


def test_the_signature_is_that_of_the_contract():
    digest = hmac.new(WIDGET.identity_secret.encode(), b"customer-7", hashlib.sha256).hexdigest()
    assert check(WIDGET, {"external_id": "customer-7", "hash": digest}) == Identity("customer-7", Claims())
    digest = hmac.new(WIDGET.identity_secret.encode(), b"customer-7\n1790000060", hashlib.sha256).hexdigest()
    raw = {"external_id": "customer-7", "hash": digest, "expires": 1_790_000_060}
    assert check(WIDGET, raw, NOW).external_id == "customer-7"
    assert check(WIDGET, raw | {"expires": "1790000060"}, NOW).external_id == "customer-7"
    assert check(WIDGET, raw | {"hash": digest.upper()}, NOW).external_id == "customer-7"


@pytest.mark.parametrize(
    "external_id", ["x", "é" * 200, "🎉" * 200, " spaces ", "a\u2028b", "\u202e", "<b>", "0"]
)
def test_external_ids(external_id: str):
    assert check(WIDGET, signed(WIDGET, external_id)).external_id == external_id


@pytest.mark.parametrize(
    "external_id",
    [
        None,
        "",
        7,
        True,
        [],
        {"a": 1},
        "a" * 201,
        "a\x00b",
        "a\nb",
        "\x7f",
        "\x85",
        "tab\t",
        "\ud800",
        "a\n1790000060",
    ],
)
def test_external_ids_that_can_not_be(external_id: object):
    text = external_id if isinstance(external_id, str) else ""
    digest = hmac.new(
        WIDGET.identity_secret.encode(), text.encode(errors="replace"), hashlib.sha256
    ).hexdigest()
    with pytest.raises(FrameError) as caught:
        check(WIDGET, {"external_id": external_id, "hash": digest})
    assert caught.value.code == "invalid"
    with pytest.raises(FrameError):
        check(WIDGET, {"hash": digest})


@pytest.mark.parametrize(
    "given_hash",
    [
        None,
        "",
        0,
        7,
        True,
        1.5,
        [],
        {},
        "0" * 64,
        "x",
        "é" * 64,
        "\ud800" * 64,
        "İ" * 64,
        b"0".hex() * 10_000,
    ],
)
def test_hashes_that_prove_nothing(given_hash: object):
    with pytest.raises(IdentityRefused):
        check(WIDGET, {"external_id": "customer-7", "hash": given_hash})
    with pytest.raises(IdentityRefused):
        check(WIDGET, {"external_id": "customer-7"})


def test_a_signature_is_for_one_external_id_of_one_widget():
    raw = signed(WIDGET, "customer-7")
    assert check(WIDGET, raw).external_id == "customer-7"
    for other in ("customer-8", "customer-", "Customer-7", "customer-7 "):
        with pytest.raises(IdentityRefused):
            check(WIDGET, raw | {"external_id": other})
    with pytest.raises(IdentityRefused):
        check(OTHER, raw)
    for cut in (raw["hash"][:-1], raw["hash"] + "0", " " + raw["hash"], raw["hash"] + "\n"):
        with pytest.raises(IdentityRefused):
            check(WIDGET, raw | {"hash": cut})


@pytest.mark.parametrize(
    ("expires", "good"), [(NOW, True), (NOW + 1, True), (NOW - 1, False), (0, False), (-1, False)]
)
def test_a_signature_runs_out(expires: int, good: bool):
    raw = signed(WIDGET, "customer-7", expires)
    if good:
        assert check(WIDGET, raw, NOW).external_id == "customer-7"
    else:
        with pytest.raises(IdentityRefused):
            check(WIDGET, raw, NOW)


def test_an_expiry_can_not_be_moved_or_taken_off():
    raw = signed(WIDGET, "customer-7", NOW + 10)
    for expires in (NOW + 11, None, "", str(NOW + 10) + " ", f"0{NOW + 10}x"):
        with pytest.raises(IdentityRefused):
            check(WIDGET, raw | {"expires": expires}, NOW)
    del raw["expires"]
    with pytest.raises(IdentityRefused):
        check(WIDGET, raw, NOW)
    # Nor put on, so that one for ever becomes one that is logged as short.
    with pytest.raises(IdentityRefused):
        check(WIDGET, signed(WIDGET, "customer-7") | {"expires": NOW + 10}, NOW)


@pytest.mark.parametrize(
    "expires",
    [
        True,
        False,
        1.5,
        1e300,
        [],
        {},
        "soon",
        "٣",
        "1" * 30,
        10**400,
        pytest.param(10**5_000, id="huge"),
        -(10**400),
    ],
)
def test_expiries_that_can_not_be(expires: Any):
    with pytest.raises(IdentityRefused):
        check(WIDGET, signed(WIDGET, "customer-7") | {"expires": expires}, NOW)


def test_an_expiry_of_null_is_none():
    assert check(WIDGET, signed(WIDGET, "customer-7") | {"expires": None}).external_id == "customer-7"


def test_the_comparison_takes_the_same_time(monkeypatch: pytest.MonkeyPatch):
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return compare(left, right)

    monkeypatch.setattr(module.hmac, "compare_digest", watched)
    raw = signed(WIDGET, "customer-7")
    check(WIDGET, raw)
    assert compared == [(raw["hash"].encode(), raw["hash"].encode())]


def test_claims_are_looked_at_only_after_the_signature():
    with pytest.raises(IdentityRefused):
        check(WIDGET, {"external_id": "customer-7", "hash": "0" * 64, "email": "not an address"})
    with pytest.raises(FrameError):
        check(WIDGET, signed(WIDGET, "customer-7", email="not an address"))


@hypothesis_settings(deadline=None, max_examples=300, database=None)
@given(
    st.dictionaries(
        st.sampled_from(["external_id", "hash", "expires", "name", "email", "traits"]),
        SOME_JSON | st.text(st.characters(categories=None, exclude_categories=()), max_size=20),
    )
)
def test_anything_else_is_refused_in_order(raw: dict[str, Any]):
    with pytest.raises((FrameError, IdentityRefused)):
        check(WIDGET, raw)
    with contextlib.suppress(FrameError, IdentityRefused):
        assert check(WIDGET, raw | signed(WIDGET, "customer-7")).external_id == "customer-7"


# -- whom it belongs to


def write(person: ChatUser, body: str) -> None:
    write_message(NewMessage(person.pk, "visitor", body))


def test_a_token_is_its_persons(visitor: ChatUser):
    token = new_tokens([visitor])[0]
    assert people_of_tokens([token]) == {token: visitor}
    assert VisitorToken.objects.get().token_hash == token_hash(token) != token
    assert len(set(new_tokens([visitor] * 20))) == 20
    for other in (
        None,
        "",
        token[:-1],
        token + "x",
        token.swapcase(),
        "\x00",
        "\ud800",
        "x" * 201,
        token_hash(token),
    ):
        assert people_of_tokens([other]) == {}


def test_the_token_of_the_erased_is_nobodys(visitor: ChatUser):
    token = new_tokens([visitor])[0]
    ChatUser.objects.filter(pk=visitor.pk).update(erased_at="2026-11-24T10:00:00Z")
    assert people_of_tokens([token]) == {}


def test_a_new_external_id_is_a_new_person(db: None, told: list[Event]):
    person = person_of_identity(Identity("x-1", Claims({"name": "Ann"})), None)
    person.refresh_from_db()
    assert (person.external_id, person.name, person.verified, person.is_anonymous) == (
        "x-1",
        "Ann",
        True,
        False,
    )
    assert [event.name for event in told] == ["event.recorded", "user.changed", "user.created"]
    assert ActivityEvent.objects.get().data == {"fields": ["external_id", "name"]}


def test_an_external_id_that_is_there_is_its_person(db: None, told: list[Event]):
    ann = make_person("Ann", external_id="x-1")
    assert person_of_identity(Identity("x-1", Claims()), None) == ann
    ann.refresh_from_db()
    assert (ann.name, ann.verified) == ("Ann", True)
    verified_at = ann.verified_at
    person_of_identity(Identity("x-1", Claims()), ann)
    ann.refresh_from_db()
    assert ann.verified_at == verified_at
    assert "user.created" not in {event.name for event in told}


def test_an_anonymous_visitor_gets_the_new_external_id(visitor: ChatUser, told: list[Event]):
    write(visitor, "Hello")
    person = person_of_identity(Identity("x-1", Claims()), visitor)
    assert (person.pk, person.external_id) == (visitor.pk, "x-1")
    assert (ChatUser.objects.count(), MergeJournal.objects.count()) == (1, 0)


def test_an_anonymous_visitor_is_joined_to_the_person_of_that_external_id(visitor: ChatUser):
    ann = make_person("Ann", external_id="x-1")
    write(visitor, "Hello")
    assert person_of_identity(Identity("x-1", Claims()), visitor) == ann
    assert ann.messages.get().body == "Hello"
    assert ChatUser.objects.get() == ann


def test_a_visitor_with_a_claim_alone_is_joined_too(visitor: ChatUser):
    apply_claims(visitor, Claims({"name": "Somebody"}))
    ann = make_person("Ann", external_id="x-1")
    person_of_identity(Identity("x-1", Claims()), visitor)
    ann.refresh_from_db()
    assert (ChatUser.objects.get(), ann.name) == (ann, "Ann")


@pytest.mark.parametrize("known", [True, False])
def test_who_ever_had_an_external_id_is_joined_to_nobody(db: None, known: bool):
    ann = make_person("Ann", external_id="x-1")
    write(ann, "private")
    if known:
        make_person("Bob", external_id="x-2")
    bob = person_of_identity(Identity("x-2", Claims()), ann)
    assert (bob.external_id, bob.messages.count()) == ("x-2", 0)
    ann.refresh_from_db()
    assert (ann.external_id, ann.messages.count(), ChatUser.objects.count()) == ("x-1", 1, 2)


def test_the_erased_external_id_is_free(db: None):
    ann = make_person("", external_id=None, erased_at="2026-11-24T10:00:00Z")
    again = person_of_identity(Identity("x-1", Claims()), ann)
    assert again != ann and again.external_id == "x-1"


def test_a_visitor_who_was_erased_meanwhile_is_joined_to_nobody(visitor: ChatUser):
    ann = make_person("Ann", external_id="x-1")
    stale = ChatUser.objects.get(pk=visitor.pk)
    ChatUser.objects.filter(pk=visitor.pk).update(erased_at="2026-11-24T10:00:00Z")
    assert person_of_identity(Identity("x-1", Claims()), stale) == ann
    assert not MergeJournal.objects.exists()


def test_a_visitor_who_was_named_meanwhile_is_joined_to_nobody(visitor: ChatUser):
    """Two tabs of one anonymous visitor: one has just become somebody, the other says it is somebody else."""
    bob = make_person("Bob", external_id="x-2")
    write(visitor, "private")
    stale = ChatUser.objects.get(pk=visitor.pk)
    person_of_identity(Identity("x-1", Claims()), visitor)
    assert person_of_identity(Identity("x-2", Claims()), stale) == bob
    assert ChatUser.objects.get(external_id="x-1").messages.get().body == "private"
    assert bob.messages.count() == 0


def test_who_can_not_be_settled_is_given_up(visitor: ChatUser, monkeypatch: pytest.MonkeyPatch):
    tries: list[int] = []

    def fail(*_: object) -> None:
        tries.append(1)
        raise Gone

    monkeypatch.setattr(module, "_settle", fail)
    with pytest.raises(Gone):
        person_of_identity(Identity("x-1", Claims()), visitor)
    assert len(tries) == module.ATTEMPTS


def becoming(visitor: ChatUser, external_id: str) -> Callable[[], ChatUser]:
    return lambda: person_of_identity(Identity(external_id, Claims()), visitor)


@pytest.mark.django_db(transaction=True)
def test_the_same_new_external_id_at_once_is_one_person():
    results = together(*[lambda: person_of_identity(Identity("x-1", Claims({"name": "Ann"})), None).pk] * 6)
    assert results == [ChatUser.objects.get().pk] * 6


@pytest.mark.django_db(transaction=True)
def test_two_anonymous_tabs_of_one_site_become_one_person_at_once():
    visitors = [make_person() for _ in range(4)]
    for visitor in visitors:
        write(visitor, f"from {visitor.uuid}")
    results = together(*[becoming(visitor, "x-1") for visitor in visitors])
    person = ChatUser.objects.get()
    assert results == [person] * 4
    assert person.message_count == person.messages.count() == 4
    assert list(wrong()) == []


@pytest.mark.django_db(transaction=True)
def test_one_visitor_who_becomes_two_people_at_once_is_joined_to_one():
    for _ in range(5):
        visitor = make_person()
        write(visitor, "private")
        names = [uuid.uuid4().hex, uuid.uuid4().hex]
        make_person("Bob", external_id=names[1])
        results = together(*[becoming(visitor, name) for name in names])
        assert [person.external_id for person in results if isinstance(person, ChatUser)] == names
        owners = ChatUser.objects.filter(messages__body="private", external_id__in=names)
        assert owners.count() == 1
    assert list(wrong()) == []
