"""The panel of filters: what stands in each of its fields, also where that can't be used."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from search.filters import UserFilters

SHOWN_CHARS = 200
Choices = list[tuple[str, str | Promise]]


@dataclass(frozen=True)
class Box:
    """A field. `problem`: why `value` isn't taken, "" where it is. `choices`: what it may be, where these are few."""

    name: str
    label: str | Promise
    value: str
    problem: str
    choices: Choices


def boxes(filters: UserFilters) -> dict[str, Box]:
    """The fields by parameter. A choice that there isn't is offered as well: it stays until another one is made."""
    return {name: _box(filters, name) for name in filters.filters if name not in ("q", "in", "tag")}


def tags_typed(filters: UserFilters) -> list[str]:
    """The tags of the address where they can't be used, as they were typed."""
    if "tag" not in filters.errors:
        return []
    return [name.replace("\x00", "")[:SHOWN_CHARS] for name in filters.data.getlist("tag") if name.strip()][
        :20
    ]


def _box(filters: UserFilters, name: str) -> Box:
    field = filters.form[name]
    problem = " ".join(filters.errors.get(name, []))
    value = filters.valid(name)
    if problem:
        text = str(field.value() or "").replace("\x00", "")[:SHOWN_CHARS]
    elif isinstance(value, dt.date):
        text = value.isoformat()
    else:
        text = "" if value is None else str(value)
    choices: Choices = [("", _("Any")), *filters.filters[name].extra.get("choices", [])]
    if problem:
        choices.append((text, text))
    return Box(name, filters.form.fields[name].label or "", text, problem, choices)
