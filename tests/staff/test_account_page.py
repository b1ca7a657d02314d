"""One's own account."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from chatadmin.lib.bus import Event
from staff.models import Account, AuditEntry
from tests.factories import PASSWORD

NEW = "another long sentence"


def test_everybody_has_one(support_client: Client) -> None:
    page = support_client.get("/account/").content.decode()
    assert "sam@team.example" in page
    assert 'value="Sam Support"' in page


def test_the_name_changes(support: Account, support_client: Client) -> None:
    response = support_client.post("/account/name/", {"name": "  Samantha "}, follow=True)
    assert "Your name is changed." in response.content.decode()
    support.refresh_from_db()
    assert support.name == "Samantha"
    line = AuditEntry.objects.get()
    assert (line.verb, line.detail) == ("staff.renamed", {"account": support.pk})


@pytest.mark.parametrize("name", ["", "   ", "a\x07b", "a" * 101, "a\u2028b"])
def test_a_name_that_can_t_be_is_refused(support: Account, support_client: Client, name: str) -> None:
    response = support_client.post("/account/name/", {"name": name})
    assert response.status_code == 422
    assert re.findall(r'data-error="(\w+)"', response.content.decode()) == ["name"]
    support.refresh_from_db()
    assert support.name == "Sam Support"


def test_the_password_changes_and_this_session_stays(
    support: Account, signed_in: Callable[[Account], Client]
) -> None:
    here, elsewhere = signed_in(support), signed_in(support)
    fields = {"old_password": PASSWORD, "new_password": NEW}
    response = here.post("/account/password/", fields, follow=True)
    assert response.status_code == 200
    assert "Your password is changed." in response.content.decode()
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    support.refresh_from_db()
    assert support.check_password(NEW)
    line = AuditEntry.objects.get()
    assert (line.verb, line.detail) == ("staff.password_changed", {"account": support.pk})


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("not it", NEW, ["old_password"]),
        ("", NEW, ["old_password"]),
        (PASSWORD, "", ["new_password"]),
        (PASSWORD, "short", ["new_password"]),
        (PASSWORD, "sam@team.example", ["new_password"]),
        ("not it", "short", ["old_password", "new_password"]),
    ],
)
def test_what_is_wrong_is_said_by_its_field(
    support: Account, support_client: Client, old: str, new: str, wrong: list[str]
) -> None:
    response = support_client.post("/account/password/", {"old_password": old, "new_password": new})
    assert response.status_code == 422
    page = response.content.decode()
    assert re.findall(r'data-error="(\w+)"', page) == wrong
    assert old not in page or not old
    support.refresh_from_db()
    assert support.check_password(PASSWORD)


def test_guessing_the_old_one_ends(
    support: Account, support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatadmin.lib.limits.time.monotonic", lambda: 1000.0)
    fields = {"old_password": "not it", "new_password": NEW}
    tries = [support_client.post("/account/password/", fields).status_code for _ in range(11)]
    assert tries[:9] == [422] * 9
    assert tries[-1] == 429


def test_open_pages_look_again(announced: list[Event], support: Account, support_client: Client) -> None:
    support_client.post("/account/password/", {"old_password": PASSWORD, "new_password": NEW})
    assert announced == [Event("staff.changed", data={"account": support.pk})]


def test_reading_changes_nothing(support_client: Client) -> None:
    assert support_client.get("/account/name/").status_code == 405
    assert support_client.get("/account/password/").status_code == 405
