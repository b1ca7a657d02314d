"""The filters as chips above the list: each that holds is taken away by a click, the usual ones are put on by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chatadmin.lib.tokens import folded
from search.asking import SENT
from search.filters import UserFilters
from users.models import Tag
from users.templatetags.people import tag_look
from users.templatetags.times import patterns

# Chips stand in this order whether they are on or off, so that a click moves none of the others.
ORDER = (
    "has_email",
    "active",
    "dormant",
    "online",
    "min_messages",
    "first_from",
    "first_to",
    "active_from",
    "active_to",
    "tag",
    "vip",
    "repeat",
    "held",
    "kind",
    *SENT,
)
USUAL: dict[str, tuple[str, ...]] = {
    "has_email": ("yes",),
    "active": ("30", "7"),
    "online": ("yes",),
    "min_messages": ("10",),
    "vip": ("yes",),
}
CHOICES = {
    ("has_email", "yes"): gettext_lazy("Has e-mail"),
    ("has_email", "no"): gettext_lazy("No e-mail"),
    ("online", "yes"): gettext_lazy("Online now"),
    ("vip", "yes"): gettext_lazy("VIP"),
    ("repeat", "yes"): gettext_lazy("Repeat visitor"),
    ("held", "yes"): gettext_lazy("Under a legal hold"),
    ("kind", "identified"): gettext_lazy("Identified"),
    ("kind", "anonymous"): gettext_lazy("Anonymous"),
}
SPANS = {
    "active": gettext_lazy("Active in the last %(days)s days"),
    "dormant": gettext_lazy("Not seen for %(days)s days"),
}
DAYS = {
    "first_from": gettext_lazy("First contact from %(day)s"),
    "first_to": gettext_lazy("First contact until %(day)s"),
    "active_from": gettext_lazy("Last active from %(day)s"),
    "active_to": gettext_lazy("Last active until %(day)s"),
    "sent_from": gettext_lazy("Sent from %(day)s"),
    "sent_to": gettext_lazy("Sent until %(day)s"),
}


@dataclass(frozen=True)
class Chip:
    """A filter. `key`: its id on the page. `address`: the list without it, or with it where it isn't on.

    `look`: the class of a tag's colour. `is_unknown`: the team has no such tag.
    """

    key: str
    name: str
    text: str
    address: str
    is_on: bool
    look: str = ""
    is_unknown: bool = False


@dataclass(frozen=True)
class Asked:
    """A tag that is asked for. `typed`: as in the address. `name`: as the team calls it; the same where it has none."""

    folded: str
    typed: str
    name: str
    look: str
    is_unknown: bool


def chips(filters: UserFilters, tags: list[Asked]) -> list[Chip]:
    """All chips, in their order; `tags` are those that are asked for."""
    found: list[Chip] = []
    for name in ORDER:
        found += _of_tags(filters, tags) if name == "tag" else _of(filters, name)
    return found


def without_filters(filters: UserFilters) -> str:
    """The list without any filter: the words and their order stay."""
    return filters.address(**dict.fromkeys(ORDER))


def tags_asked(filters: UserFilters) -> list[Asked]:
    """The tags that are asked for. One query, none where there are none."""
    asked: list[str] = filters.valid("tag") or []
    if not asked:
        return []
    known = {tag.name_folded: tag for tag in Tag.objects.filter(name_folded__in=asked)}
    typed = {folded(name): name for name in filters.query().getlist("tag")}
    return [
        Asked(
            words,
            typed.get(words, words),
            known[words].name if words in known else typed.get(words, words),
            tag_look(known[words]) if words in known else "",
            words not in known,
        )
        for words in asked
    ]


def words_of(name: str, value: Any) -> str:
    """What a chip for this value of a filter says."""
    if name == "min_messages":
        count = int(value)
        return ngettext("≥ %(n)s message", "≥ %(n)s messages", count) % {"n": intcomma(count)}
    if isinstance(value, dt.date):
        return str(DAYS[name]) % {"day": dateformat.format(value, patterns()["date"])}
    return str(CHOICES.get((name, value)) or SPANS[name] % {"days": value})


def _of(filters: UserFilters, name: str) -> Iterator[Chip]:
    usual = USUAL.get(name, ())
    value = filters.valid(name)
    is_given = value not in (None, "")
    if is_given and str(value) not in usual:
        yield _chip(filters, name, value, is_on=True)
        usual = usual if len(usual) > 1 else ()
    for offered in usual:
        yield _chip(filters, name, offered, is_on=is_given and str(value) == offered)


def _chip(filters: UserFilters, name: str, value: Any, *, is_on: bool) -> Chip:
    address = filters.address(**{name: None if is_on else value})
    # The same chip before and after a click on it has the same key, and keeps the focus.
    key = f"chip-{name}-{value}" if len(USUAL.get(name, ())) > 1 else f"chip-{name}"
    return Chip(key, name, words_of(name, value), address, is_on)


def _of_tags(filters: UserFilters, tags: list[Asked]) -> Iterator[Chip]:
    typed = filters.query().getlist("tag")
    for at, tag in enumerate(tags):
        others = [name for name in typed if folded(name) != tag.folded]
        text = _("Tag: %(name)s") % {"name": tag.name}
        yield Chip(f"chip-tag-{at}", "tag", text, filters.address(tag=others), True, tag.look, tag.is_unknown)
