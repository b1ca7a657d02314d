"""What a cookie may hold: anything at all, and what is no session's key is no session, and no error."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from staff.models import Account
from staff.sessions import account_of_session, session_key_of

ODD = [
    '"\\000abcdefghijkl"',
    "abcdefgh\x00",
    '"\\000' + "a" * 31 + '"',
    '"\\377\\376abcdefgh"',
    "é" * 32,
    "A" * 32,
    "x" * 5_000,
    "' OR 1=1 --            ",
    "",
]


@pytest.mark.django_db
@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("address", ["/login/", "/users/", "/nowhere/"])
def test_pages_take_it_for_nobodys(value: str, address: str) -> None:
    cookie = {"cookie": f"{settings.SESSION_COOKIE_NAME}={value}"}
    answer = Client(raise_request_exception=False).get(address, headers=cookie)
    assert answer.status_code == Client().get(address).status_code
    assert answer.status_code < 500


@pytest.mark.django_db
@pytest.mark.parametrize("value", ODD)
def test_sockets_take_it_for_nobodys(value: str) -> None:
    assert account_of_session(session_key_of(f"{settings.SESSION_COOKIE_NAME}={value}")) is None


def test_a_real_one_is_somebodys(support: Account, support_client: Client) -> None:
    key = support_client.session.session_key
    assert account_of_session(session_key_of(f"a=b; {settings.SESSION_COOKIE_NAME}={key}")) == support
    assert session_key_of("a=b") == session_key_of("") == ""
    assert support_client.get("/users/").status_code == 200
