"""Where somebody whose session ended is sent, and what they come back to."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from staff.models import Account


def came_from(location: str) -> str:
    """The page that the sign-in goes on to."""
    parts = urlsplit(location)
    assert parts.path == "/login/"
    return parse_qs(parts.query).get("next", [""])[0]


def test_a_page_comes_back_to_itself(stranger: Client, db: None) -> None:
    assert came_from(stranger.get("/users/?q=a%26b").headers["Location"]) == "/users/?q=a%26b"


def test_a_fragment_sends_the_whole_page(stranger: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/?sort=name"}
    response = stranger.get("/users/?after=x", headers=headers)
    assert response.status_code == 401
    assert response.content == b""
    assert came_from(response.headers["HX-Redirect"]) == "/users/?sort=name"


def test_a_fragment_of_another_host_comes_back_to_nothing(stranger: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/users/"}
    assert stranger.post("/team/invite/", headers=headers).headers["HX-Redirect"] == "/login/"


def test_a_post_comes_back_to_the_page_it_was_made_on(stranger: Client, db: None) -> None:
    response = stranger.post("/team/invite/", headers={"Referer": "http://testserver/team/"})
    assert came_from(response.headers["Location"]) == "/team/"
    assert stranger.post("/team/invite/").headers["Location"] == "/login/"


@pytest.mark.parametrize(
    "headers", [{}, {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/"}]
)
def test_whoever_had_a_session_is_told_that_it_ended(
    support: Account, support_client: Client, stranger: Client, headers: dict[str, str]
) -> None:
    Account.objects.filter(pk=support.pk).update(is_active=False)
    sent = sent_to(support_client.get("/users/", headers=headers))
    assert came_from(sent) == "/users/"
    assert "You were signed out." in stranger.get(sent).content.decode()
    sent = sent_to(stranger.get("/users/", headers=headers))
    assert came_from(sent) == "/users/"
    assert "You were signed out." not in stranger.get(sent).content.decode()


def sent_to(response: HttpResponse) -> str:
    headers = response.headers
    return headers.get("HX-Redirect") or headers["Location"]


@pytest.mark.parametrize("ended", ["no", "<b>", "yes" * 3000])
def test_nothing_else_is_said_in_our_name(stranger: Client, db: None, ended: str) -> None:
    response = stranger.get("/login/", {"ended": ended})
    assert response.status_code == 200
    assert "You were signed out." not in response.content.decode()
