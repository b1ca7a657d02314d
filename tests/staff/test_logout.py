"""Signing out."""

from collections.abc import Callable

from django.test import Client

from chatadmin.lib.bus import Event
from staff.models import Account, AuditEntry
from staff.sessions import account_of_session


def test_the_page_asks_and_changes_nothing(support_client: Client) -> None:
    response = support_client.get("/logout/")
    assert response.status_code == 200
    assert "Sign out?" in response.content.decode()
    assert support_client.get("/account/").status_code == 200


def test_the_post_ends_the_session(support: Account, support_client: Client) -> None:
    key = support_client.session.session_key
    assert account_of_session(key) == support
    response = support_client.post("/logout/", {"next": "/account/"})
    assert response.headers["Location"] == "/login/"
    assert account_of_session(key) is None
    assert support_client.get("/account/").status_code == 302
    assert AuditEntry.objects.get().verb == "staff.signed_out"
    assert "You are signed out." in support_client.get("/login/").content.decode()


def test_open_pages_are_told_once_the_session_is_gone(
    announced: list[Event], support: Account, signed_in: Callable[[Account], Client]
) -> None:
    signed_in(support).post("/logout/")
    assert announced == [Event("session.ended", data={"account": support.pk})]


def test_a_stranger_is_sent_to_the_sign_in(stranger: Client, db: None) -> None:
    assert stranger.get("/logout/").headers["Location"] == "/login/"
    assert stranger.post("/logout/").headers["Location"] == "/login/"
    assert not AuditEntry.objects.exists()
