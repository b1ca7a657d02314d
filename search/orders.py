"""The user list's sort orders. Each walks an index of its own; people without the value come last either way."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from chatadmin.lib.paging import Order

DEFAULT = "last_active"
ORDERS: dict[str, Order] = {
    "last_active": Order("last_active", descending=True, value_type=dt.datetime, nullable=True),
    "first_contact": Order("first_contact", descending=True, value_type=dt.datetime, nullable=True),
    "messages": Order("message_count", descending=True, value_type=int),
    "name": Order("name_folded", descending=False, value_type=str, nullable=True),
}
# Each column's index.
INDEXES = {
    "last_active": "chatuser_last_active",
    "first_contact": "chatuser_first_contact",
    "message_count": "chatuser_messages",
    "name_folded": "chatuser_name",
}
LABELS = {
    "last_active": _("Last active"),
    "first_contact": _("First contact"),
    "messages": _("Messages"),
    "name": _("Name"),
}
CHOICES = [
    *((name, LABELS[name]) for name in ORDERS),
    *((f"-{name}", LABELS[name]) for name in ORDERS),
]


def order_of(sort: str) -> Order:
    """The order that a `sort` parameter names; `-` in front turns it round. Raises KeyError for another word."""
    order = ORDERS[sort.removeprefix("-")]
    return replace(order, descending=not order.descending) if sort.startswith("-") else order


def turned(sort: str) -> str:
    """The same order the other way round."""
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
