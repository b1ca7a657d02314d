"""The page behind the link in a mail: it asks when it is opened, and stops when it is posted to."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from staff.models import Widget
from tests.factories import make_widget
from users.mail_stops import address_hash, is_stopped, stop, stop_token
from users.models import MailStop

ADDRESS = address_hash("ann@site.example")
LINK = f"/mail/stop/{stop_token(ADDRESS)}/"


@pytest.fixture
def site(db: None) -> Widget:
    make_widget(title="Another")
    return make_widget(title="Northpine <b>", mail_replies=True)


@pytest.fixture
def strict() -> Client:
    """A mail program, on an installation that checks for forged posts."""
    return Client(enforce_csrf_checks=True)


def offered(page: str) -> list[str]:
    """What the page's buttons do."""
    return re.findall(r'<button[^>]* name="action" value="(\w+)"', page)


def test_opening_it_stops_nothing(site: Widget, stranger: Client) -> None:
    for response in (stranger.get(LINK), stranger.head(LINK)):
        assert response.status_code == 200
        assert not is_stopped(ADDRESS)
    page = stranger.get(LINK).content.decode()
    assert offered(page) == ["stop"]
    assert "Northpine &lt;b&gt;" in page
    assert 'data-mail="on"' in page


def test_its_button_stops_and_the_next_resumes(site: Widget, strict: Client) -> None:
    response = strict.post(LINK, {"action": "stop"})
    page = response.content.decode()
    assert response.status_code == 200
    assert is_stopped(ADDRESS)
    assert 'data-mail="stopped"' in page
    assert offered(page) == ["resume"]
    assert offered(strict.get(LINK).content.decode()) == ["resume"]
    assert is_stopped(ADDRESS)
    page = strict.post(LINK, {"action": "resume"}).content.decode()
    assert not is_stopped(ADDRESS)
    assert 'data-mail="on"' in page
    assert offered(page) == ["stop"]


@pytest.mark.parametrize("fields", [{"List-Unsubscribe": "One-Click"}, {}, {"action": "x"}, {"action": ""}])
def test_a_mail_programs_click_stops_them(site: Widget, strict: Client, fields: dict[str, str]) -> None:
    for _ in range(2):
        response = strict.post(LINK, fields)
        assert response.status_code == 200
        assert is_stopped(ADDRESS)
    assert MailStop.objects.count() == 1


def test_it_stops_one_address_alone(site: Widget, strict: Client) -> None:
    other = address_hash("bob@site.example")
    stop(other)
    strict.post(LINK)
    strict.post(LINK, {"action": "resume"})
    assert is_stopped(other)


@pytest.mark.parametrize(
    "token", ["x", stop_token(ADDRESS)[:-2], stop_token(ADDRESS)[1:], "%00", "é", "x" * 5_000]
)
def test_a_made_up_link_stops_nothing(site: Widget, strict: Client, token: str) -> None:
    for response in (strict.get(f"/mail/stop/{token}/"), strict.post(f"/mail/stop/{token}/")):
        assert response.status_code == 404
        assert offered(response.content.decode()) == []
    assert MailStop.objects.count() == 0


def test_other_methods_are_refused(site: Widget, strict: Client) -> None:
    assert strict.put(LINK).status_code == 405
    assert strict.delete(LINK).status_code == 405
    assert not is_stopped(ADDRESS)


def test_the_link_stays_between_us(site: Widget, stranger: Client) -> None:
    for response in (stranger.get(LINK), stranger.post(LINK)):
        assert response.headers["Referrer-Policy"] == "strict-origin"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "no-store" in response.headers["Cache-Control"]
        assert not response.cookies
        assert "ann@" not in response.content.decode()


def test_a_member_of_staff_may_use_it_too(site: Widget, support_client: Client) -> None:
    assert support_client.post(LINK).status_code == 200
    assert is_stopped(ADDRESS)


def test_without_a_widget_it_stops_all_the_same(db: None, strict: Client) -> None:
    assert strict.post(LINK).status_code == 200
    assert is_stopped(ADDRESS)
