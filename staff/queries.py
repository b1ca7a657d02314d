"""What is known of those who work here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils import timezone

from staff.models import Account, Invitation, Role, Widget

_RANK = Case(
    When(role=Role.OWNER, then=Value(0)),
    When(role=Role.ADMIN, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


def team() -> QuerySet[Account]:
    """Every account: the active ones first, owners before admins before support, then by address."""
    return Account.objects.order_by("-is_active", _RANK, "email")


def names_of(accounts: Collection[int]) -> dict[int, str]:
    """What these accounts are called, by number; one query at most."""
    if not accounts:
        return {}
    return {pk: account.display_name for pk, account in Account.objects.in_bulk(accounts).items()}


def active_staff_count() -> int:
    """How many accounts may sign in."""
    return Account.objects.filter(is_active=True).count()


def token_hash(token: str) -> str:
    """What is kept of an invitation's secret: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_invitations() -> QuerySet[Invitation]:
    """The invitations that still make an account, newest first."""
    return Invitation.objects.filter(
        accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).order_by("-created_at", "-pk")


def invitation_of(token: str) -> Invitation | None:
    """The invitation whose link holds `token`, whatever has become of it."""
    return Invitation.objects.filter(token_hash=token_hash(token)).first()


def first_widget() -> Widget | None:
    """The widget that the set-up page shows."""
    return Widget.objects.order_by("pk").first()
