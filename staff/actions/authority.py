"""Who may do what to whom, decided on rows that are locked, so that two changes at once can't both pass."""

from __future__ import annotations

import enum

from django.db.models import Q

from staff.models import Account, Role


class Reason(enum.StrEnum):
    """Why a change of the team is refused."""

    NOT_ALLOWED = "not_allowed"
    OWNERS_ONLY = "owners_only"
    YOURSELF = "yourself"
    LAST_OWNER = "last_owner"
    HAS_ACCOUNT = "has_account"
    GONE = "gone"


class Refused(Exception):
    """The rules of the team forbid it; `reason` says which."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def locked(*account_ids: int) -> dict[int, Account]:
    """These accounts and every active owner, by id, as they are now, locked until the transaction ends.

    Raises Refused where one of them does not exist.
    """
    # All in one statement and one order: two that wait for each other would be a deadlock.
    wanted = Q(pk__in=account_ids) | Q(role=Role.OWNER, is_active=True)
    rows = Account.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    found = {account.pk: account for account in rows}
    if not found.keys() >= set(account_ids):
        raise Refused(Reason.GONE)
    return found


def check_may_manage(actor: Account, *roles: str) -> None:
    """Raises Refused where `actor` may not make or touch accounts of these roles."""
    if not actor.can("team.manage"):
        raise Refused(Reason.NOT_ALLOWED)
    if Role.OWNER in roles and not actor.can("team.manage_owners"):
        raise Refused(Reason.OWNERS_ONLY)


def check_may_weaken(actor: Account, account: Account, found: dict[int, Account]) -> None:
    """Raises Refused where taking rights from `account` would leave no active owner, or is done to oneself."""
    owners = {pk for pk, known in found.items() if known.role == Role.OWNER and known.is_active}
    if owners == {account.pk}:
        raise Refused(Reason.LAST_OWNER)
    if actor.pk == account.pk:
        raise Refused(Reason.YOURSELF)
