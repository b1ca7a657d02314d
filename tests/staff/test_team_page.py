"""The team's page: who sees it, and what it shows."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from staff import queries
from staff.models import Account, Invitation, Role
from tests.factories import make_account

Invited = Callable[..., tuple[Invitation, str]]


def row(page: str, account: Account) -> str:
    """The table row of an account."""
    return page.split(f'data-account="{account.pk}"')[1].split("</tr>", maxsplit=1)[0]


def test_support_does_not_see_it(support_client: Client) -> None:
    response = support_client.get("/team/")
    assert response.status_code == 403
    page = response.content.decode()
    assert "Not for your role" in page
    assert "sam@team.example" not in page
    assert 'href="/team/"' not in support_client.get("/account/").content.decode()


def test_admins_see_everybody(admin: Account, admin_client: Client, owner: Account, support: Account) -> None:
    Account.objects.filter(pk=support.pk).update(last_login=timezone.now() - dt.timedelta(days=400))
    gone = make_account("gone@team.example", is_active=False)
    page = admin_client.get("/team/").content.decode()
    for account in (admin, owner, support, gone):
        assert account.email in row(page, account)
        assert f'data-role="{account.role}"' in row(page, account)
    assert 'data-active="false"' in row(page, gone)
    assert 'data-active="true"' in row(page, support)
    assert "<time datetime=" in row(page, support)
    assert "never" in row(page, gone)
    assert page.index("olu@team.example") < page.index("dana@team.example") < page.index("sam@team.example")
    assert page.index("sam@team.example") < page.index("gone@team.example")


def test_what_may_not_be_done_is_not_offered(
    admin: Account, admin_client: Client, owner: Account, support: Account
) -> None:
    page = admin_client.get("/team/").content.decode()
    assert f"/team/{support.pk}/disable/" in row(page, support)
    assert f"/team/{support.pk}/role/" in row(page, support)
    assert "<form" not in row(page, owner)
    assert "<form" not in row(page, admin)
    assert 'value="owner"' not in page


def test_owners_are_offered_owners(owner_client: Client, owner: Account, admin: Account) -> None:
    page = owner_client.get("/team/").content.decode()
    assert f"/team/{admin.pk}/disable/" in row(page, admin)
    assert 'value="owner"' in row(page, admin)
    assert "<form" not in row(page, owner)


def test_a_disabled_account_can_be_enabled(admin_client: Client) -> None:
    gone = make_account("gone@team.example", is_active=False)
    shown = row(admin_client.get("/team/").content.decode(), gone)
    assert f"/team/{gone.pk}/enable/" in shown
    assert f"/team/{gone.pk}/disable/" not in shown


def test_only_open_invitations_are_listed(admin: Account, admin_client: Client, invited: Invited) -> None:
    assert "Nobody is invited." in admin_client.get("/team/").content.decode()
    open_one, _ = invited("open@team.example")
    for number, fields in enumerate(
        [
            {"accepted_at": timezone.now()},
            {"revoked_at": timezone.now()},
            {"expires_at": timezone.now() - dt.timedelta(seconds=1)},
        ]
    ):
        over, _ = invited(f"over-and-out-{number}@team.example")
        Invitation.objects.filter(pk=over.pk).update(**fields)
    page = admin_client.get("/team/").content.decode()
    assert f'data-invitation="{open_one.pk}"' in page
    assert "open@team.example" in page
    assert "over-and-out" not in page.split("Open invitations")[1]


def test_an_owner_s_invitation_is_the_owners_business(
    admin_client: Client, owner_client: Client, owner: Account, invited: Invited
) -> None:
    invitation, _ = invited(role=Role.OWNER, actor=owner)
    address = f"/team/invitations/{invitation.pk}/revoke/"
    assert address in owner_client.get("/team/").content.decode()
    assert address not in admin_client.get("/team/").content.decode()


def test_names_are_shown_as_text(admin_client: Client) -> None:
    make_account("x@team.example", name="<script>alert(1)</script>")
    page = admin_client.get("/team/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("people", [1, 12])
def test_it_asks_the_database_as_often_for_many(
    admin_client: Client, invited: Invited, people: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(people):
        make_account(f"a{number}@team.example", Role.ADMIN)
        invited(f"new{number}@team.example")
    admin_client.get("/account/")
    with django_assert_num_queries(2) as own:
        list(queries.team())
        list(queries.open_invitations().select_related("invited_by"))
    # Session, account and policy besides.
    with django_assert_num_queries(3 + len(own) + shell_queries(admin_client)):
        admin_client.get("/team/")


def shell_queries(client: Client) -> int:
    """How often the page's frame asks, apart from session and account: a page without queries of its own says."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get("/account/")
    return len(asked) - 2


def test_it_counts_who_may_sign_in(admin: Account, support: Account) -> None:
    make_account("gone@team.example", is_active=False)
    assert queries.active_staff_count() == 2
