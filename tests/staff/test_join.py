"""Accepting an invitation."""

import datetime as dt
import re
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from chatadmin.lib.log import QuietFormatter
from staff import actions
from staff.actions import Refused
from staff.models import Account, AuditEntry, Invitation, Role
from tests.factories import make_account

Invited = Callable[..., tuple[Invitation, str]]
PASSWORD = "a longer sentence"


def test_the_page_shows_for_whom_and_the_rules(invited: Invited, stranger: Client) -> None:
    page = stranger.get(invited()[1]).content.decode()
    assert "new@team.example" in page
    assert "Support" in page
    assert "at least 10 characters" in page


def test_the_account_is_made_and_signed_in(invited: Invited, stranger: Client) -> None:
    invitation, link = invited(role=Role.ADMIN)
    response = stranger.post(link, {"name": "Nia New", "password": PASSWORD})
    assert response.headers["Location"] == "/users/"
    account = Account.objects.get(email="new@team.example")
    assert (account.name, account.role, account.is_active) == ("Nia New", "admin", True)
    assert account.check_password(PASSWORD)
    assert stranger.get("/account/").status_code == 200
    invitation.refresh_from_db()
    assert invitation.state == "accepted"
    verbs = AuditEntry.objects.filter(actor=account).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["staff.joined", "staff.signed_in"]


def test_the_new_account_signs_in_again(
    invited: Invited, stranger: Client, sign_in: Callable[..., tuple[int, Client]]
) -> None:
    stranger.post(invited()[1], {"name": "Nia New", "password": PASSWORD})
    assert sign_in("new@team.example", PASSWORD)[0] == 302


@pytest.mark.parametrize(
    ("name", "password", "wrong"),
    [
        ("", PASSWORD, ["name"]),
        ("Nia\nNew", PASSWORD, ["name"]),
        ("N" * 101, PASSWORD, ["name"]),
        ("Nia New", "", ["password"]),
        ("Nia New", "short", ["password"]),
        ("Nia New", "password123", ["password"]),
        ("Nia New", "new@team.example", ["password"]),
        ("Nia Newcomer", "nia newcomer", ["password"]),
        ("Nia New", "x" * 501, ["password"]),
        ("", "short", ["name", "password"]),
    ],
)
def test_what_is_wrong_is_said_by_its_field(
    invited: Invited, stranger: Client, name: str, password: str, wrong: list[str]
) -> None:
    invitation, link = invited()
    response = stranger.post(link, {"name": name, "password": password})
    assert response.status_code == 422
    page = response.content.decode()
    assert re.findall(r'data-error="(\w+)"', page) == wrong
    assert "value=" not in page.split('type="password"')[1].split(">", maxsplit=1)[0]
    assert not Account.objects.filter(email="new@team.example").exists()
    invitation.refresh_from_db()
    assert invitation.state == "open"


def test_a_link_works_once(invited: Invited, stranger: Client) -> None:
    link = invited()[1]
    assert Client().post(link, {"name": "Nia", "password": PASSWORD}).status_code == 302
    for response in (stranger.get(link), stranger.post(link, {"name": "Eve", "password": PASSWORD})):
        assert response.status_code == 410
        assert "This invitation is over" in response.content.decode()
    assert Account.objects.filter(email="new@team.example").count() == 1


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
def test_a_link_that_is_over_makes_no_account(invited: Invited, stranger: Client, field: str) -> None:
    invitation, link = invited()
    Invitation.objects.filter(pk=invitation.pk).update(**{field: timezone.now() - dt.timedelta(seconds=1)})
    assert stranger.get(link).status_code == 410
    assert stranger.post(link, {"name": "Eve", "password": PASSWORD}).status_code == 410
    assert not Account.objects.filter(email="new@team.example").exists()


@pytest.mark.parametrize("token", ["nothing", "x" * 43, "%00", "é"])
def test_a_link_that_never_was_is_not_found(stranger: Client, db: None, token: str) -> None:
    response = stranger.get(f"/team/join/{token}/")
    assert response.status_code == 404
    assert "There is no such invitation" in response.content.decode()


def test_the_hash_is_no_key(invited: Invited, stranger: Client) -> None:
    invitation, _ = invited()
    assert stranger.get(f"/team/join/{invitation.token_hash}/").status_code == 404


def test_an_address_that_has_an_account_by_now(invited: Invited, stranger: Client) -> None:
    invitation, link = invited()
    make_account(invitation.email)
    response = stranger.post(link, {"name": "Eve", "password": PASSWORD})
    assert response.status_code == 410
    assert Account.objects.filter(email=invitation.email).count() == 1


def test_whoever_is_signed_in_is_asked_to_sign_out_first(invited: Invited, admin_client: Client) -> None:
    _, link = invited()
    response = admin_client.post(link, {"name": "Eve", "password": PASSWORD})
    assert response.status_code == 409
    assert "You are signed in already" in response.content.decode()
    assert not Account.objects.filter(email="new@team.example").exists()


def test_the_address_with_the_secret_goes_nowhere(invited: Invited, stranger: Client) -> None:
    response = stranger.get(invited()[1])
    assert response.headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response.headers["Cache-Control"]


def test_the_secret_is_in_no_log_line(
    invited: Invited, stranger: Client, caplog: pytest.LogCaptureFixture
) -> None:
    _, link = invited()
    assert stranger.post(link, {"name": "", "password": "short"}).status_code == 422
    lines = [QuietFormatter("%(message)s").format(record) for record in caplog.records]
    assert lines == ["Unprocessable Entity: /team/join/…/"]


def test_trying_link_after_link_ends(stranger: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatadmin.lib.limits.time.monotonic", lambda: 1000.0)
    tries = [stranger.get(f"/team/join/guess{n}/").status_code for n in range(31)]
    assert tries[:29] == [404] * 29
    assert tries[-1] == 429
    assert Client(REMOTE_ADDR="198.51.100.3").get("/team/join/guess/").status_code == 404


def test_links_of_an_account_that_is_disabled_are_withdrawn(
    owner: Account, admin: Account, invited: Invited, stranger: Client
) -> None:
    _, link = invited()
    assert stranger.get(link).status_code == 200
    actions.disable(actor=owner, account_id=admin.pk)
    assert stranger.get(link).status_code == 410


def test_links_that_a_new_role_may_not_make_are_withdrawn(owner: Account, invited: Invited) -> None:
    other = make_account("other@team.example", Role.OWNER)
    as_owner, _ = invited("a@team.example", Role.OWNER, actor=other)
    as_support, _ = invited("b@team.example", Role.SUPPORT, actor=other)
    actions.change_role(actor=owner, account_id=other.pk, role=Role.ADMIN)
    as_owner.refresh_from_db()
    as_support.refresh_from_db()
    assert (as_owner.state, as_support.state) == ("revoked", "open")


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_account(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = actions.invite(actor=admin, email="new@team.example", role=Role.SUPPORT)
    ready, outcomes = threading.Barrier(2), []

    def accept(name: str) -> None:
        try:
            ready.wait(10)
            actions.accept_invitation(token=token, name=name, password=PASSWORD)
            outcomes.append("made")
        except Refused as refused:
            outcomes.append(refused.reason.value)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[name]) for name in ("Nia", "Eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["gone", "made"]
    assert Account.objects.filter(email="new@team.example").count() == 1
