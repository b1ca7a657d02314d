"""Addresses that want no mail: by keyed hash, for the mailbox, and a link that only we can make."""

from __future__ import annotations

import hashlib

import pytest
from django.core import signing
from pytest_django.fixtures import Settings

from tests.exports.sweep import places_of
from users import mail_stops
from users.mail_stops import address_hash, address_of, is_stopped, resume, stop, stop_token


@pytest.mark.parametrize(
    "same", ["ANN@site.example", "ann@SITE.example", "ann+shop@site.example", "Ann+a+b@site.example"]
)
def test_ways_to_write_one_mailbox(same: str) -> None:
    assert address_hash(same) == address_hash("ann@site.example")


@pytest.mark.parametrize(
    "other", ["anne@site.example", "ann@other.example", "+ann@site.example", "a.nn@site.example"]
)
def test_other_mailboxes(other: str) -> None:
    assert address_hash(other) != address_hash("ann@site.example")


def test_the_hash_needs_the_key(settings: Settings) -> None:
    found = address_hash("ann@site.example")
    assert len(found) == 64
    assert found != hashlib.sha256(b"ann@site.example").hexdigest()
    settings.SECRET_KEY = "another " * 8
    assert address_hash("ann@site.example") != found


def test_stopping_and_resuming_as_often_as_one_likes(db: None) -> None:
    one, other = address_hash("ann@site.example"), address_hash("bob@site.example")
    resume(one)
    for _ in range(2):
        stop(one)
        assert is_stopped(one) and not is_stopped(other)
    for _ in range(2):
        resume(one)
        assert not is_stopped(one)


def test_nothing_that_is_kept_names_the_address(db: None) -> None:
    stop(address_hash("unheardof@site.example"))
    assert places_of(address_hash("unheardof@site.example")) >= {"users_mailstop"}
    assert places_of("unheardof") == set()


def test_a_link_leads_back_to_its_address_alone(settings: Settings) -> None:
    address = address_hash("unheardof@site.example")
    token = stop_token(address)
    assert address_of(token) == address
    assert "unheardof" not in token and address not in token
    assert stop_token(address) == token
    for wrong in (
        token[:-1],
        token[1:],
        token.swapcase(),
        token.partition(".")[0],
        "",
        "x",
        ".",
        "é.é",
        "\x00",
    ):
        assert address_of(wrong) is None
    settings.SECRET_KEY = "another " * 8
    assert address_of(token) is None


def test_what_was_signed_for_something_else_is_no_link() -> None:
    text = stop_token(address_hash("ann@site.example")).partition(".")[0]
    assert address_of(signing.Signer(sep=".", salt=mail_stops.__name__).sign(text)) is None
    assert address_of(signing.Signer(sep=".").sign(text)) is None
