"""`{% if user|can:"users.erase" %}`: shows only what the viewer may use."""

from __future__ import annotations

from django import template

from staff.models import Account

register = template.Library()


@register.filter
def can(viewer: object, permission: str) -> bool:
    """Whether the viewer is staff with that permission. Raises KeyError for one that does not exist."""
    return isinstance(viewer, Account) and viewer.can(permission)
