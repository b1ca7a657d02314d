"""What ends an account's sessions, and its open pages with them."""

from collections.abc import Callable

import pytest
from django.test import Client

from staff import actions
from staff.models import Account, Role
from staff.sessions import account_of_session
from tests.factories import PASSWORD


def disable(account: Account, owner: Account) -> None:
    actions.disable(actor=owner, account_id=account.pk)


def disable_and_enable(account: Account, owner: Account) -> None:
    actions.disable(actor=owner, account_id=account.pk)
    actions.enable(actor=owner, account_id=account.pk)


def promote(account: Account, owner: Account) -> None:
    actions.change_role(actor=owner, account_id=account.pk, role=Role.ADMIN)


def promote_and_demote(account: Account, owner: Account) -> None:
    actions.change_role(actor=owner, account_id=account.pk, role=Role.ADMIN)
    actions.change_role(actor=owner, account_id=account.pk, role=Role.SUPPORT)


def new_password(account: Account, owner: Account) -> None:
    actions.change_own_password(actor=account, password="another sentence")


def password_at_the_console(account: Account, owner: Account) -> None:
    account.set_password("another sentence")
    account.save()


def role_at_the_console(account: Account, owner: Account) -> None:
    Account.objects.filter(pk=account.pk).update(role=Role.ADMIN)


@pytest.mark.parametrize(
    "deed",
    [
        disable,
        disable_and_enable,
        promote,
        promote_and_demote,
        new_password,
        password_at_the_console,
        role_at_the_console,
    ],
)
def test_every_session_ends(
    support: Account,
    owner: Account,
    signed_in: Callable[[Account], Client],
    deed: Callable[[Account, Account], None],
) -> None:
    clients = [signed_in(support), signed_in(support)]
    others = signed_in(owner)
    for client in clients:
        assert client.get("/account/").status_code == 200
        assert account_of_session(client.session.session_key) == support
    deed(support, owner)
    for client in clients:
        key = client.cookies["chatadmin_session"].value
        assert account_of_session(key) is None
        assert client.get("/account/").headers["Location"].startswith("/login/")
    assert others.get("/account/").status_code == 200


def test_a_new_name_ends_nothing(support: Account, support_client: Client) -> None:
    actions.change_own_name(actor=support, name="Samantha")
    assert support_client.get("/account/").status_code == 200


def test_a_new_sign_in_works_after_it(
    support: Account, owner: Account, sign_in: Callable[..., tuple[int, Client]]
) -> None:
    disable(support, owner)
    assert sign_in(support.email, PASSWORD)[0] == 200
    actions.enable(actor=owner, account_id=support.pk)
    status, client = sign_in(support.email, PASSWORD)
    assert status == 302
    assert client.get("/account/").status_code == 200
