"""Signing in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import BasePasswordHasher, get_hasher
from django.test import Client

from staff.models import Account, AuditEntry
from tests.factories import PASSWORD

SignIn = Callable[..., tuple[int, Client]]
WRONG = "E-mail address or password is wrong."


def test_the_page_asks_for_e_mail_and_password(stranger: Client, db: None) -> None:
    page = stranger.get("/login/").content.decode()
    assert 'name="login"' in page
    assert 'name="password"' in page
    assert "js/tz.js" in page
    assert "sign up" not in page.lower()


def test_the_right_password_opens_the_users(support: Account, stranger: Client) -> None:
    response = stranger.post("/login/", {"login": support.email, "password": PASSWORD})
    assert response.status_code == 302
    assert response.headers["Location"] == "/users/"
    assert stranger.session["_auth_user_id"] == str(support.pk)
    support.refresh_from_db()
    assert support.last_login is not None


def test_case_and_spaces_in_the_address_don_t_matter(support: Account, sign_in: SignIn) -> None:
    assert sign_in(f"  {support.email.upper()} ", PASSWORD)[0] == 302


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/users/?q=x&sort=name", "/users/?q=x&sort=name"),
        ("https://evil.example/", "/users/"),
        ("//evil.example/", "/users/"),
        ("/\\evil.example/", "/users/"),
        ("javascript:alert(1)", "/users/"),
        ("http://[", "/users/"),
        ("http://127.0.0.1/users/", "/users/"),
    ],
)
def test_next_leads_nowhere_but_here(support: Account, stranger: Client, wanted: str, reached: str) -> None:
    fields = {"login": support.email, "password": PASSWORD, "next": wanted}
    assert stranger.post("/login/", fields).headers["Location"] == reached


def test_next_survives_a_wrong_password(support: Account, stranger: Client) -> None:
    page = stranger.post(
        "/login/?next=/team/", {"login": support.email, "password": "wrong"}
    ).content.decode()
    assert '<input type="hidden" name="next" value="/team/">' in page


def test_wrong_unknown_and_disabled_get_the_same_answer(
    support: Account, admin: Account, stranger: Client
) -> None:
    Account.objects.filter(pk=admin.pk).update(is_active=False)
    pages = []
    for login, password in [
        (support.email, "wrong"),
        ("nobody@team.example", "wrong"),
        (admin.email, PASSWORD),
        (admin.email, "wrong"),
    ]:
        response = Client().post("/login/", {"login": login, "password": password})
        assert response.status_code == 200
        assert "_auth_user_id" not in response.client.session
        text = response.content.decode()
        assert WRONG in text
        pages.append(
            text.replace(login, "…").split("<form")[1].split("</form")[0].split("csrfmiddlewaretoken")[0]
        )
    assert len(set(pages)) == 1


def test_an_unknown_address_costs_a_password_check_too(
    support: Account, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = type(get_hasher())
    hashed: list[str] = []
    encode = hasher.encode

    def counted(self: BasePasswordHasher, password: str, *rest: object) -> str:
        hashed.append(password)
        return encode(self, password, *rest)

    monkeypatch.setattr(hasher, "encode", counted)
    sign_in(support.email, "wrong one")
    known = len(hashed)
    sign_in("nobody@team.example", "wrong two")
    assert known == 1
    assert hashed == ["wrong one", "wrong two"]


def test_the_session_is_a_new_one(support: Account, stranger: Client) -> None:
    session = stranger.session
    session["kept"] = "by somebody who waits for us to sign in"
    session.save()
    before = session.session_key
    stranger.post("/login/", {"login": support.email, "password": PASSWORD})
    assert stranger.session.session_key != before
    cookie = stranger.cookies["chatadmin_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_it_is_audited_without_the_address(support: Account, sign_in: SignIn) -> None:
    sign_in(support.email, "wrong")
    sign_in(support.email, PASSWORD)
    lines = list(AuditEntry.objects.order_by("pk").values_list("verb", "actor", "actor_name", "detail"))
    assert lines == [
        ("staff.sign_in_failed", None, "", {}),
        ("staff.signed_in", support.pk, "Sam Support", {}),
    ]


def test_whoever_is_signed_in_is_sent_on(support_client: Client) -> None:
    assert support_client.get("/login/").headers["Location"] == "/users/"
    assert support_client.get("/login/?next=/account/").headers["Location"] == "/account/"


def test_a_form_from_elsewhere_is_refused(support: Account) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login/", {"login": support.email, "password": PASSWORD})
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


@pytest.mark.parametrize(
    "login", ["", "no address", "a\x00@team.example", "x" * 300 + "@team.example", "ſam@team.example"]
)
def test_nonsense_is_answered_with_the_page(support: Account, sign_in: SignIn, login: str) -> None:
    status, client = sign_in(login, PASSWORD)
    assert status == 200
    assert "_auth_user_id" not in client.session


def test_a_script_gets_the_page_and_no_json(support: Account, stranger: Client) -> None:
    response = stranger.post(
        "/login/",
        {"login": support.email, "password": "wrong"},
        headers={"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"},
    )
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
