"""Whose address a request came from: what a stranger writes into a header moves nothing."""

from __future__ import annotations

import re

import pytest
from pytest_django.fixtures import Settings

from chatadmin.lib.address import client_address, counted_as, network_prefix, scope_address

PEER = "198.51.100.7"


@pytest.mark.parametrize(
    ("trusted", "header", "expected"),
    [
        (0, "", PEER),
        (0, "203.0.113.9", PEER),
        (0, "203.0.113.9, 192.0.2.1", PEER),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "", PEER),
        (1, " , ,", PEER),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (1, "made up, 203.0.113.9 ", "203.0.113.9"),
        (2, "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (2, "10.0.0.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (2, "192.0.2.1", PEER),
        (10, "203.0.113.9", PEER),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:DB8:0:0::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_only_what_a_trusted_proxy_saw_counts(settings: Settings, trusted: int, header: str, expected: str):
    settings.TRUSTED_PROXIES = trusted
    assert client_address(PEER, header) == expected


def test_a_visitor_can_not_move_their_address_by_what_they_send(settings: Settings):
    settings.TRUSTED_PROXIES = 1
    for made_up in ("", "1.1.1.1", "1.1.1.1, 2.2.2.2", "x" * 5_000, ", ,", "203.0.113.9, "):
        assert client_address(PEER, f"{made_up}, 203.0.113.9") == "203.0.113.9"


def test_of_a_socket(settings: Settings):
    scope = {
        "client": (PEER, 4711),
        "headers": [
            (b"host", b"chat.example"),
            (b"x-forwarded-for", b"10.0.0.1"),
            (b"x-forwarded-for", b"203.0.113.9, 192.0.2.1\xff"),
        ],
    }
    assert scope_address(scope) == PEER
    settings.TRUSTED_PROXIES = 2
    assert scope_address(scope) == "203.0.113.9"
    assert scope_address({"client": None, "headers": []}) == ""
    assert scope_address({}) == ""


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("2001:db8::1%" + "z" * 200, "2001:db8::/48"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113", ""),
        ("203.0.113.9/8", ""),
        ("203.0.113.9\x00", ""),
        ("٢٠٣.0.113.9", ""),
    ],
)
def test_what_is_kept_of_it(address: str, prefix: str):
    assert network_prefix(address) == prefix


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.10"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", "2001:db8:1:3::9"),
        ("", "", "unknown"),
        ("unknown", "unknown", ""),
    ],
)
def test_what_limits_count(address: str, same: str, other: str, settings: Settings):
    counted = counted_as(address)
    assert counted == counted_as(same) != counted_as(other)
    assert re.fullmatch("[0-9a-f]{32}", counted)
    # Without the key nobody can try all addresses.
    settings.SECRET_KEY = "another secret"
    assert counted_as(address) != counted
