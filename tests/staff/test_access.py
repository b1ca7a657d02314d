"""The permission matrix, the view decorator and the template filter."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory

from staff.access import account_of, requires
from staff.models import Account, Role
from staff.permissions import MATRIX


@requires("users.erase")
def erase(request: HttpRequest, number: int) -> HttpResponse:
    """A view for those who may erase."""
    return HttpResponse(f"erased {number}")


def asked_by(account: object) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = account  # type: ignore[assignment]
    return request


def test_a_role_with_the_permission_gets_the_view() -> None:
    assert erase(asked_by(Account(role=Role.ADMIN)), 7).content == b"erased 7"


@pytest.mark.parametrize(
    "viewer", [Account(role=Role.SUPPORT), Account(role=Role.OWNER, is_active=False), AnonymousUser()]
)
def test_everybody_else_is_denied(viewer: object) -> None:
    with pytest.raises(PermissionDenied):
        erase(asked_by(viewer), 7)


def test_a_permission_that_does_not_exist_fails_when_it_is_written() -> None:
    with pytest.raises(KeyError):
        requires("users.explode")
    with pytest.raises(KeyError):
        Account(role=Role.OWNER).can("users.explode")


def test_account_of_gives_the_account() -> None:
    account = Account(role=Role.SUPPORT)
    assert account_of(asked_by(account)) is account


@pytest.mark.parametrize(("role", "shown"), [(Role.ADMIN, "yes"), (Role.SUPPORT, "no")])
def test_templates_ask_the_same_matrix(role: Role, shown: str) -> None:
    template = Template('{% load staff_access %}{% if user|can:"users.erase" %}yes{% else %}no{% endif %}')
    assert template.render(Context({"user": Account(role=role)})) == shown
    assert template.render(Context({"user": AnonymousUser()})) == "no"


def test_each_role_may_do_all_that_the_one_below_may() -> None:
    for roles in MATRIX.values():
        assert Role.OWNER in roles
        assert Role.SUPPORT not in roles or Role.ADMIN in roles
    assert not Account(role=Role.SUPPORT).can("users.erase")
    assert Account(role=Role.SUPPORT).can("users.export")
