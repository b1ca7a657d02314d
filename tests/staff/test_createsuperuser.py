"""`manage.py createsuperuser`: the first admin of a clean installation."""

import sys
from collections.abc import Callable

import pytest
from django.contrib.auth.management.commands import createsuperuser
from django.core.management import CommandError, call_command
from django.test import Client

from staff.models import Account, Role

PASSWORD = "a longer sentence"
SignIn = Callable[..., tuple[int, Client]]


def test_without_questions(db: None, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="First@Team.Example", verbosity=0)
    account = Account.objects.get()
    assert (account.email, account.role, account.is_active) == ("first@team.example", Role.OWNER, True)
    status, client = sign_in("First@Team.Example", PASSWORD)
    assert status == 302
    assert client.get("/team/").status_code == 200


def test_the_address_from_the_environment(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "first@team.example")
    call_command("createsuperuser", interactive=False, verbosity=0)
    assert Account.objects.get().email == "first@team.example"


def test_with_questions(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["no address", "First@Team.example"])
    passwords = iter(["short", "short", PASSWORD, PASSWORD])
    monkeypatch.setattr("builtins.input", lambda question: "n" if "Bypass" in question else next(answers))
    monkeypatch.setattr(createsuperuser.getpass, "getpass", lambda *_: next(passwords))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    call_command("createsuperuser", interactive=True, verbosity=0, stdin=sys.stdin)
    account = Account.objects.get()
    assert account.email == "first@team.example"
    assert account.check_password(PASSWORD)
    assert list(answers) == []


def test_a_second_one_of_that_address_is_refused(
    db: None, monkeypatch: pytest.MonkeyPatch, support: Account
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", interactive=False, email="SAM@team.example", verbosity=0)
    assert Account.objects.count() == 1


def test_a_new_password_at_the_console(
    support: Account, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    from django.contrib.auth.management.commands import changepassword

    monkeypatch.setattr(changepassword.getpass, "getpass", lambda **_: PASSWORD)
    call_command("changepassword", "sam@team.example", verbosity=0)
    assert sign_in(support.email, PASSWORD)[0] == 302
