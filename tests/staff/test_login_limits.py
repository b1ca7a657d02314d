"""Ten wrong passwords in five minutes, for one account or from one address; never a lasting lock-out."""

import time
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from staff.models import Account
from tests.factories import PASSWORD

SignIn = Callable[..., tuple[int, Client]]


def test_the_eleventh_for_one_account_is_429(support: Account, sign_in: SignIn) -> None:
    tries = [sign_in(support.email, "wrong", address=f"192.0.2.{n}")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]


def test_an_account_that_does_not_exist_is_counted_alike(db: None, sign_in: SignIn) -> None:
    tries = [sign_in("nobody@team.example", "wrong", address=f"192.0.2.{n}")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]


def test_a_disabled_account_is_counted_alike(support: Account, sign_in: SignIn) -> None:
    Account.objects.filter(pk=support.pk).update(is_active=False)
    tries = [sign_in(support.email, PASSWORD, address=f"192.0.2.{n}")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]


def test_the_eleventh_from_one_address_is_429(support: Account, sign_in: SignIn) -> None:
    tries = [sign_in(f"guess{n}@team.example", "wrong")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]
    # Not a word more about this account than about any other.
    assert sign_in(support.email, PASSWORD)[0] == 429


def test_others_elsewhere_still_get_in(support: Account, admin: Account, sign_in: SignIn) -> None:
    for _ in range(11):
        status, _client = sign_in(support.email, "wrong")
    assert status == 429
    assert sign_in(admin.email, PASSWORD, address="198.51.100.7")[0] == 302


def test_right_passwords_are_not_counted(support: Account, sign_in: SignIn) -> None:
    for _ in range(12):
        assert sign_in(support.email, PASSWORD)[0] == 302


def test_it_ends_after_five_minutes_even_if_somebody_goes_on_trying(
    support: Account, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time()
    for _ in range(10):
        sign_in(support.email, "wrong")
    for seconds in (60, 200, 295):
        monkeypatch.setattr(time, "time", lambda at=start + seconds: at)
        assert sign_in(support.email, "wrong")[0] == 429
    monkeypatch.setattr(time, "time", lambda: start + 305)
    assert sign_in(support.email, PASSWORD)[0] == 302


def test_the_page_says_so_and_keeps_the_address(support: Account, sign_in: SignIn) -> None:
    for _ in range(10):
        sign_in(support.email, "wrong")
    response = Client(REMOTE_ADDR="192.0.2.1").post("/login/", {"login": support.email, "password": "wrong"})
    assert response.status_code == 429
    page = response.content.decode()
    assert "Too many wrong passwords" in page
    assert f'value="{support.email}"' in page


def test_a_made_up_forwarded_address_changes_nothing(db: None, sign_in: SignIn) -> None:
    tries = [
        sign_in(f"guess{n}@team.example", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")[0]
        for n in range(11)
    ]
    assert tries == [200] * 10 + [429]


def test_a_made_up_host_or_case_changes_nothing(support: Account) -> None:
    tries = []
    for n in range(11):
        client = Client(REMOTE_ADDR=f"192.0.2.{n}", HTTP_HOST=f"localhost:{8000 + n}")
        login = support.email.upper() if n % 2 else f" {support.email}"
        tries.append(client.post("/login/", {"login": login, "password": "wrong"}).status_code)
    assert tries == [200] * 10 + [429]


def test_behind_a_proxy_its_word_counts_and_what_stands_before_it_does_not(
    db: None, sign_in: SignIn, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    tries = [
        sign_in(f"a{n}@team.example", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.9")[0]
        for n in range(11)
    ]
    assert tries == [200] * 10 + [429]
    assert sign_in("b@team.example", "wrong", HTTP_X_FORWARDED_FOR="198.51.100.10")[0] == 200
    # A request that came round the proxy is counted by its own address, and is no mistake of the server's.
    assert sign_in("b@team.example", "wrong", address="198.51.100.11")[0] == 200


def test_one_network_of_ipv6_is_one_address(db: None, sign_in: SignIn) -> None:
    tries = [sign_in(f"a{n}@team.example", "wrong", address=f"2001:db8:0:1::{n}")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]


def test_each_connection_of_a_proxy_that_names_ports_is_one_address(
    db: None, sign_in: SignIn, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    tries = [
        sign_in(f"a{n}@team.example", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.5:{40_000 + n}")[0]
        for n in range(11)
    ]
    assert tries == [200] * 10 + [429]


def test_ipv4_on_a_socket_for_both_is_not_one_network(db: None, sign_in: SignIn) -> None:
    tries = [sign_in(f"a{n}@team.example", "wrong", address=f"::ffff:192.0.2.{n}")[0] for n in range(11)]
    assert tries == [200] * 11
    tries = [sign_in(f"b{n}@team.example", "wrong", address="::ffff:203.0.113.9")[0] for n in range(11)]
    assert tries == [200] * 10 + [429]


def test_many_names_do_not_push_the_counts_out(support: Account, sign_in: SignIn) -> None:
    for n in range(10):
        sign_in(support.email, "wrong", address=f"192.0.2.{n}")
    for n in range(400):
        cache.set(f"another:{n}", 1)
    assert sign_in(support.email, "wrong", address="198.51.100.1")[0] == 429


def test_the_ceilings_follow_limits() -> None:
    from django.conf import settings

    assert settings.WRONG_PASSWORDS == 10
    assert settings.ACCOUNT_RATE_LIMITS["login_failed"] == "10/5m/ip,10/5m/key"
