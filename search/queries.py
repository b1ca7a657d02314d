"""Reads of the user list."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from chatadmin.lib.paging import Page, page
from search.filters import UserFilters
from users.models import ChatUser
from users.queries import living

PAGE_SIZE = 50
COUNTED = 1_000


@dataclass(frozen=True)
class Found:
    """One page of people, and how many there are in all: `total` is exact where not `and_more`."""

    page: Page[ChatUser]
    total: int
    and_more: bool


def find(filters: UserFilters) -> Found:
    """The page that `filters` asks for: at most three queries.

    Few matches are found by the filter's own index and then sorted; of many, the first ones turn up soon on a walk
    in the list's order. Left to choose, a database walks its whole order for a match or two.
    """
    people = filters.qs
    if filters.is_narrowed:
        ids = list(people.order_by().values_list("pk", flat=True)[: COUNTED + 1])
        total = len(ids)
        if total <= COUNTED:
            people = living().filter(pk__in=ids)
    else:
        total = people.order_by()[: COUNTED + 1].count()
    return Found(_page(people, filters), min(total, COUNTED), total > COUNTED)


def _page(people: QuerySet[ChatUser], filters: UserFilters) -> Page[ChatUser]:
    return page(people, filters.order, size=PAGE_SIZE, after=filters.after, before=filters.before)
