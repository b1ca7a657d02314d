"""The demo: people and messages made up, two members of staff, and the file that says how to sign in."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any

from django.conf import settings

from conversations.demo import load_demo
from staff.models import Account, Role, Widget
from users.models import ChatUser

PEOPLE, MESSAGES, SEED = 400, 9_000, 20
STAFF = {
    "admin": ("dana@northpine.example", "Dana Whitfield", Role.ADMIN),
    "support": ("sam@northpine.example", "Sam Ortega", Role.SUPPORT),
}


def ensure() -> None:
    """Makes the demo's staff, people and messages, where the database holds nobody yet; writes `demo.json`."""
    path = settings.VAR_DIR / "demo.json"
    known = details() if path.exists() else {}
    accounts = {name: _account(name, known.get(name, {}).get("password")) for name in STAFF}
    if not ChatUser.objects.exists():
        load_demo(
            users=PEOPLE, messages=MESSAGES, seed=SEED, staff=[account for account, _ in accounts.values()]
        )
    widget = _widget()
    written: dict[str, Any] = {"url": f"http://{settings.HOST}:{settings.PORT}"}
    for name, (account, password) in accounts.items():
        written[name] = {"email": account.email, "password": password}
    written |= {"widget_key": widget.key, "identity_secret": widget.identity_secret}
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(written, file, indent=2)
    os.replace(fresh, path)


def _widget() -> Widget:
    """The first widget, under the name of the demo's host page as long as nobody named it otherwise."""
    widget = Widget.objects.order_by("pk").first()
    assert widget is not None
    if widget.title == Widget._meta.get_field("title").default:
        widget.title = "Northpine support"
        widget.save(update_fields=["title"])
    return widget


def _account(name: str, password: str | None) -> tuple[Account, str]:
    """The demo account and its password: the one that `demo.json` still has, else a new one."""
    email, shown, role = STAFF[name]
    account = Account.objects.filter(email=email).first()
    if account is not None and password and account.check_password(password):
        return account, password
    password = secrets.token_urlsafe(12)
    if account is None:
        account = Account.objects.create_user(email, password, name=shown, role=role)
    else:
        account.set_password(password)
        account.save(update_fields=["password"])
    return account, password


def details() -> dict[str, Any]:
    """What `demo.json` says; nothing where it can't be read."""
    try:
        return dict(json.loads((settings.VAR_DIR / "demo.json").read_text()))
    except (OSError, ValueError):
        return {}


def greet(url: str) -> None:
    """Prints how to sign in."""
    known = details()
    print("This is the demo: made-up people, simulated visitors.", flush=True)
    for name in STAFF:
        print(f"  {name:8} {known[name]['email']}  {known[name]['password']}", flush=True)
    print(f"  staff    {url}/users/\n  visitor  {url}/widget/demo/", flush=True)
