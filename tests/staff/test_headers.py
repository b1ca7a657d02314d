"""The policy and the other headers that protect: on every answer, of every kind."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import include, path

from staff.models import Account, Invitation
from tests.factories import make_person
from users.mail_stops import stop_token

Invited = Callable[..., tuple[Invitation, str]]


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("users/broken/", broken), path("", include("chatadmin.urls"))]


def check(response: HttpResponse) -> None:
    policy = response.headers["Content-Security-Policy"]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split()[0] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http:" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] in {"same-origin", "strict-origin"}
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def kept_by_nobody(response: HttpResponse) -> bool:
    return "no-store" in response.headers["Cache-Control"]


def test_a_page(admin_client: Client) -> None:
    for address in ("/users/", "/team/", "/account/", "/widget/", "/logout/"):
        response = admin_client.get(address)
        assert response.status_code == 200
        check(response)
        assert kept_by_nobody(response)


def test_a_profile(support_client: Client) -> None:
    response = support_client.get(make_person("Mariam").get_absolute_url())
    assert response.status_code == 200
    check(response)
    assert kept_by_nobody(response)


def test_the_public_pages(stranger: Client, invited: Invited) -> None:
    for address in ("/login/", invited()[1], f"/mail/stop/{stop_token('0' * 64)}/"):
        response = stranger.get(address)
        assert response.status_code == 200
        check(response)
        assert kept_by_nobody(response)


def test_a_redirect_and_a_fragment_of_nobody(stranger: Client, db: None) -> None:
    redirect = stranger.get("/users/")
    assert redirect.status_code == 302
    check(redirect)
    fragment = stranger.get("/users/", headers={"HX-Request": "true"})
    assert fragment.status_code == 401
    check(fragment)


def test_a_fragment(support_client: Client) -> None:
    response = support_client.get("/users/", headers={"HX-Request": "true"})
    assert response.status_code == 200
    check(response)
    assert kept_by_nobody(response)


def test_errors(support_client: Client, stranger: Client) -> None:
    for response, status in (
        (support_client.get("/team/"), 403),
        (Client(enforce_csrf_checks=True).post("/login/"), 403),
        (support_client.get("/nowhere/"), 404),
        (support_client.delete("/account/"), 405),
        (stranger.get("/nowhere/"), 404),
        (stranger.get("/login/", headers={"Host": "evil.example"}), 400),
        (stranger.get("/team/join/nothing/"), 404),
    ):
        assert response.status_code == status
        check(response)


@override_settings(ROOT_URLCONF=__name__)
def test_a_mistake_of_ours(support: Account, support_client: Client) -> None:
    support_client.raise_request_exception = False
    response = support_client.get("/users/broken/")
    assert response.status_code == 500
    check(response)
    page = response.content.decode()
    assert "That went wrong" in page
    assert "ZeroDivisionError" not in page


def test_a_static_file(stranger: Client, db: None) -> None:
    response = stranger.get("/static/css/base.css")
    assert response.status_code == 200
    check(response)


def test_cookies_only_travel_by_https_where_it_is_spoken() -> None:
    import os
    import subprocess
    import sys

    code = "from chatadmin import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS)"
    for https, said in (("1", "True True 31536000"), ("0", "False False 0")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "HTTPS": https},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == said


@pytest.mark.parametrize("address", ["/login/", "/team/", "/account/", "/widget/"])
def test_no_page_needs_what_the_policy_forbids(admin_client: Client, stranger: Client, address: str) -> None:
    client = stranger if address == "/login/" else admin_client
    page = client.get(address).content.decode()
    assert '<link rel="stylesheet"' in page
    assert "style=" not in page
    assert "<style" not in page
    assert " onclick" not in page
    assert "<script>" not in page
