"""Nobody without an active account sees a page: every address in every room, also those made later."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from staff.models import Account
from tests.factories import make_person

# What a stranger may see, by name. An address that is not here redirects to the sign-in.
PUBLIC = {
    "account_login",
    "account_logout",
    "join",
    "healthz",
    "readyz",
    "widget_script",
    "widget_demo",
    "mail_stop",
    # Whoever shows a key may come in: tests/exports/test_api.py has those who show none.
    "openapi-json",
    "api-root",
    "api_nothing",
    "api_export_user",
    "api_erase_user",
    "api_erasure",
    "api_privacy_requests",
    "privacy",
    "privacy_confirm",
    "what_we_hold",
}
SAMPLES = {"uuid": "01234567-89ab-4cde-8f01-23456789abcd", "int": "1", "str": "x", "slug": "x", "path": "x"}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every address, with a sample for each part that varies."""
    for pattern in patterns:
        assert isinstance(pattern.pattern, RoutePattern), (
            "say it with path(), so that this test can fill it in"
        )
        here = prefix + str(pattern.pattern)
        for name, converter in pattern.pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
            # Written `<kind:name>`, or `<name>` for a string.
            here = here.replace(f"<{kind}:{name}>", SAMPLES[kind]).replace(f"<{name}>", SAMPLES["str"])
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        else:
            yield here, pattern


ALL = list(routes(get_resolver().url_patterns))
PRIVATE = sorted({address for address, pattern in ALL if pattern.name not in PUBLIC})


def test_the_walk_finds_every_room() -> None:
    assert all("<" not in address for address, _ in ALL)
    firsts = {address.split("/")[1] for address, _ in ALL}
    assert {"users", "team", "widget", "login", "healthz"} <= firsts
    assert f"/users/{SAMPLES['uuid']}/delete/" in PRIVATE
    assert {pattern.name for _, pattern in ALL} >= PUBLIC


@pytest.mark.parametrize("address", PRIVATE)
def test_a_stranger_is_sent_to_the_sign_in(stranger: Client, db: None, address: str) -> None:
    for response in (stranger.get(address), stranger.head(address), stranger.post(address, {"confirm": "x"})):
        assert response.status_code == 302
        assert response.headers["Location"].split("?")[0] == "/login/"
        assert response.content == b""


@pytest.mark.parametrize("address", PRIVATE)
def test_so_is_an_account_that_was_disabled(support: Account, support_client: Client, address: str) -> None:
    Account.objects.filter(pk=support.pk).update(is_active=False)
    for response in (support_client.get(address), support_client.post(address)):
        assert response.status_code == 302
        assert response.headers["Location"].split("?")[0] == "/login/"


def test_nothing_of_a_person_is_in_the_answer(stranger: Client, db: None) -> None:
    person = make_person("Mariam Okafor", "mariam@northpine.example")
    response = stranger.get(f"/users/{person.uuid}/", follow=True)
    assert response.status_code == 200
    assert "Sign in" in response.content.decode()
    assert "Mariam" not in response.content.decode()
