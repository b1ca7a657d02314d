"""Nobody makes an account but by invitation or at the console; nothing else of allauth can be reached."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from staff.adapter import StaffAdapter
from staff.views.sign_in import SignIn, SignOut


def views(patterns: list[URLPattern | URLResolver]) -> list[object]:
    found: list[object] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += views(pattern.url_patterns)
        else:
            found.append(getattr(pattern.callback, "view_class", pattern.callback))
    return found


def test_no_view_of_allauth_is_mounted_but_ours() -> None:
    mounted = views(get_resolver().url_patterns)
    assert SignIn in mounted
    assert SignOut in mounted
    assert [view for view in mounted if getattr(view, "__module__", "").startswith("allauth.")] == []


@pytest.mark.parametrize(
    "path",
    [
        "/signup/",
        "/accounts/signup/",
        "/login/code/",
        "/password/reset/",
        "/inactive/",
        "/email/",
        "/confirm-email/",
    ],
)
def test_its_addresses_are_not_there(stranger: Client, db: None, path: str) -> None:
    assert stranger.get(path).status_code == 404
    assert (
        stranger.post(path, {"email": "x@team.example", "password1": "correct horse battery"}).status_code
        == 404
    )
    assert not get_user_model().objects.exists()


def test_sign_up_is_closed_even_where_somebody_mounts_it() -> None:
    assert StaffAdapter().is_open_for_signup(RequestFactory().get("/")) is False
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


def test_the_names_that_allauth_asks_for_are_ours() -> None:
    assert reverse("account_login") == "/login/"
    assert reverse("account_logout") == "/logout/"
