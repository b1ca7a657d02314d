"""What templates show of a person beside plain columns."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from users.models import Tag, TagColor
from users.queries import Person
from users.written import number

register = template.Library()

# A row of a list has room for so many; css/list.css hides the rest and shows how many there are.
IN_A_ROW = 3


@dataclass(frozen=True)
class Pill:
    """A word about a person; `kind` is `blocked`, `held`, `vip`, `repeat` or "" for a tag.

    `look`: the class of its colour. `more`: what there is to say beside the word, shown where there is room.
    """

    kind: str
    text: str
    look: str = ""
    more: str = ""


@dataclass(frozen=True)
class Pills:
    """All pills, the important ones first, and how many are too many for a row."""

    shown: list[Pill]
    more: int


@register.filter
def tag_look(tag: Tag | str) -> str:
    """The class of css/tags.css for a tag's colour, or for a colour by its word; "" for none that is known."""
    color = tag.color if isinstance(tag, Tag) else tag
    return f"tag-{color}" if color in TagColor.values else ""


@register.filter
def pills(person: Person) -> Pills:
    """Blocked, under a legal hold, VIP, the tags, repeat visitor: what of it holds."""
    user = person.user
    found = [Pill("blocked", _("Blocked"))] if user.blocked_at else []
    if user.held_at:
        found.append(Pill("held", _("On hold"), more=_("nothing of theirs is deleted")))
    if user.is_vip:
        found.append(Pill("vip", _("VIP"), more=user.vip_reason or ""))
    found += [Pill("", tag.name, look=tag_look(tag)) for tag in person.tags]
    if user.is_repeat:
        visits = ngettext("%(n)s visit", "%(n)s visits", user.visit_count) % {"n": number(user.visit_count)}
        found.append(Pill("repeat", _("repeat visitor"), more=visits))
    return Pills(found, max(0, len(found) - IN_A_ROW))
