"""What the staff room's tests share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from chatadmin.lib import bus
from chatadmin.lib.limits import limits
from staff import actions
from staff.models import Account, Invitation, Role

Post = Callable[..., int]


@pytest.fixture(autouse=True)
def fresh_counts(settings: Settings) -> Iterator[None]:
    """Attempts that another test counted are not ours: a name space of this test's own in cache and limits."""
    cache = settings.CACHES["default"]
    settings.CACHES = {"default": {**cache, "KEY_PREFIX": uuid.uuid4().hex}}
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}"
    limits.cache_clear()
    yield
    limits.cache_clear()


@pytest.fixture
def announced(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[bus.Event]:
    """The events that went out, once their transaction had committed."""
    heard: list[bus.Event] = []
    monkeypatch.setattr(bus, "_publish", heard.extend)
    return heard


@pytest.fixture
def invited(admin: Account) -> Callable[..., tuple[Invitation, str]]:
    """Invites somebody: `invited()` gives the invitation and the path of its link."""

    def invite(
        email: str = "new@team.example", role: str = Role.SUPPORT, actor: Account = admin
    ) -> tuple[Invitation, str]:
        invitation, token = actions.invite(actor=actor, email=email, role=role)
        return invitation, f"/team/join/{token}/"

    return invite


@pytest.fixture
def sign_in() -> Callable[..., tuple[int, Client]]:
    """Posts the sign-in form from `address`, and gives the status and the client."""

    def post(login: str, password: str, address: str = "192.0.2.1", **headers: str) -> tuple[int, Client]:
        client = Client(REMOTE_ADDR=address, **headers)
        response = client.post("/login/", {"login": login, "password": password})
        return response.status_code, client

    return post
