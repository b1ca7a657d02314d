"""What templates show of a person beside plain columns."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _

from users.queries import Person

register = template.Library()

# A row of a list has room for so many; css/list.css hides the rest and shows how many there are.
IN_A_ROW = 3


@dataclass(frozen=True)
class Pill:
    """A word about a person; `kind` is `blocked`, `vip`, `repeat` or "" for a tag."""

    kind: str
    text: str


@dataclass(frozen=True)
class Pills:
    """All pills, the important ones first, and how many are too many for a row."""

    shown: list[Pill]
    more: int


@register.filter
def pills(person: Person) -> Pills:
    """Blocked, VIP, the tags, repeat visitor: what of it holds."""
    user = person.user
    found = [Pill("blocked", _("Blocked"))] if user.blocked_at else []
    if user.is_vip:
        found.append(Pill("vip", _("VIP")))
    found += [Pill("", tag.name) for tag in person.tags]
    if user.is_repeat:
        found.append(Pill("repeat", _("repeat visitor")))
    return Pills(found, max(0, len(found) - IN_A_ROW))
