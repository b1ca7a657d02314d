"""Reads of the exports of many people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import QuerySet

from chatadmin.lib.paging import Cursor, Order, Page, page
from exports.models import Export
from exports.queries import ROW_BYTES, ZIPPED
from staff import audit
from staff.models import Account
from users.models import ChatUser

NEWEST = Order("created_at", descending=True, value_type=dt.datetime)
EXPORTS_PER_PAGE = 50
# What a message takes with what is around it, and what a person takes besides, on the whole.
MESSAGE_BYTES, PERSON_BYTES = 60, 6_000


def exports_of(account: Account) -> QuerySet[Export]:
    """Those that the account may see: its own; everybody's for those who manage jobs."""
    return Export.objects.all() if account.can("jobs.manage") else Export.objects.filter(account=account)


def exports_page(account: Account, *, after: Cursor | None, before: Cursor | None) -> Page[Export]:
    """One page of them, newest first."""
    listed = exports_of(account).defer("people")
    return page(listed, NEWEST, size=EXPORTS_PER_PAGE, after=after, before=before)


def about_bytes(export: Export) -> int:
    """About how many bytes the file will take, told from the numbers alone."""
    text = export.messages * (MESSAGE_BYTES + ROW_BYTES) + export.total * PERSON_BYTES
    return round(text * ZIPPED)


def exports_with(person: ChatUser, account: Account, most: int = 20) -> Sequence[Export]:
    """The newest exports whose file holds a person, as far as the account may see them."""
    seen = exports_of(account).filter(inside__person_hash=audit.person_hash(person.uuid))
    return list(seen.defer("people").order_by("-created_at", "-pk")[:most])
