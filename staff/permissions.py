"""The roles, and the one permission matrix: what each may do."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What somebody is here."""

    SUPPORT = "support", _("Support")
    ADMIN = "admin", _("Admin")
    OWNER = "owner", _("Owner")


_EVERYONE = frozenset(Role.values)
_ADMINS = frozenset({Role.ADMIN.value, Role.OWNER.value})
_OWNERS = frozenset({Role.OWNER.value})

MATRIX: dict[str, frozenset[str]] = {
    "users.view": _EVERYONE,
    "users.reply": _EVERYONE,
    "users.organise": _EVERYONE,
    "users.edit": _EVERYONE,
    "users.block": _EVERYONE,
    "users.export": _EVERYONE,
    "users.erase": _ADMINS,
    "users.hold": _ADMINS,
    "retention.manage": _ADMINS,
    "jobs.manage": _ADMINS,
    "views.manage": _ADMINS,
    "widget.manage": _ADMINS,
    "requests.manage": _ADMINS,
    "keys.manage": _ADMINS,
    "team.view": _ADMINS,
    "audit.view": _ADMINS,
    "team.manage": _ADMINS,
    "team.manage_owners": _OWNERS,
}


def allows(role: str, permission: str) -> bool:
    """Whether `role` may do `permission`. Raises KeyError for a permission that does not exist."""
    return role in MATRIX[permission]
