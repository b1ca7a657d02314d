"""Personas: visitor, stranger, support, admin, owner."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from staff.models import Account, Role
from tests.factories import make_account


@pytest.fixture
def support(db: None) -> Account:
    return make_account("sam@team.example", Role.SUPPORT, name="Sam Support")


@pytest.fixture
def admin(db: None) -> Account:
    return make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield")


@pytest.fixture
def owner(db: None) -> Account:
    return make_account("olu@team.example", Role.OWNER, name="Olu Owner")


@pytest.fixture
def signed_in() -> Callable[[Account], Client]:
    """Makes a client with a session of that account."""

    def sign_in(account: Account) -> Client:
        client = Client()
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def stranger() -> Client:
    """Somebody without an account."""
    return Client()


@pytest.fixture
def support_client(support: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(support)


@pytest.fixture
def admin_client(admin: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(admin)


@pytest.fixture
def owner_client(owner: Account, signed_in: Callable[[Account], Client]) -> Client:
    return signed_in(owner)
