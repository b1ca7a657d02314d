"""What can happen to an account: disabled, enabled, another role, another name or password."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from chatadmin.lib.bus import Event, announce
from staff import audit
from staff.actions.authority import check_may_manage, check_may_weaken, locked
from staff.actions.invitations import withdraw_links_of
from staff.api_keys import MAY_MAKE, revoke_keys_of
from staff.models import Account


def disable(*, actor: Account, account_id: int) -> Account:
    """Ends an account's access: its sessions, its open pages, the links that it handed out and the keys that it made.

    Raises Refused.
    """
    with transaction.atomic():
        found = locked(actor.pk, account_id)
        actor, account = found[actor.pk], found[account_id]
        check_may_manage(actor, account.role)
        check_may_weaken(actor, account, found)
        if account.is_active:
            account.is_active = False
            withdraw_links_of(account)
            revoke_keys_of(account, actor=actor)
            _changed(actor, account, "staff.disabled", "is_active")
    return account


def enable(*, actor: Account, account_id: int) -> Account:
    """Lets a disabled account sign in again; its old sessions stay ended. Raises Refused."""
    with transaction.atomic():
        found = locked(actor.pk, account_id)
        actor, account = found[actor.pk], found[account_id]
        check_may_manage(actor, account.role)
        if not account.is_active:
            account.is_active = True
            _changed(actor, account, "staff.enabled", "is_active")
    return account


def change_role(*, actor: Account, account_id: int, role: str) -> Account:
    """Gives an account another role; it has to sign in again. Raises Refused."""
    with transaction.atomic():
        found = locked(actor.pk, account_id)
        actor, account = found[actor.pk], found[account_id]
        if role == account.role:
            return account
        check_may_manage(actor, account.role, role)
        check_may_weaken(actor, account, found)
        before, account.role = account.role, role
        withdraw_links_of(account)
        if not account.can(MAY_MAKE):
            revoke_keys_of(account, actor=actor)
        _changed(actor, account, "staff.role_changed", "role", {"from": before, "to": role})
    return account


def change_own_name(*, actor: Account, name: str) -> Account:
    """Changes the name that visitors and colleagues see."""
    with transaction.atomic():
        account = locked(actor.pk)[actor.pk]
        if name != account.name:
            account.name = name
            account.save(update_fields=["name"])
            audit.record(actor=account, verb="staff.renamed", detail={"account": account.pk})
            announce(Event("staff.changed", data={"account": account.pk}))
    return account


def change_own_password(*, actor: Account, password: str) -> Account:
    """Changes the password, which ends every session of the account, the asking one too."""
    with transaction.atomic():
        account = locked(actor.pk)[actor.pk]
        account.set_password(password)
        _changed(account, account, "staff.password_changed", "password")
    return account


def _changed(
    actor: Account, account: Account, verb: str, field: str, detail: dict[str, Any] | None = None
) -> None:
    account.session_version += 1
    account.save(update_fields=[field, "session_version"])
    audit.record(actor=actor, verb=verb, detail={"account": account.pk, **(detail or {})})
    announce(Event("staff.changed", data={"account": account.pk}))
