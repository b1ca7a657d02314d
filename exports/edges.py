"""Where a walk along rows stands: what is beyond a row in the order of a column and the key, and what isn't."""

from __future__ import annotations

from typing import Any

from django.db.models import Q


def beyond(column: str, value: Any, key: int) -> Q:
    """Of rows ordered by `column` and key, those after the one with that `value` and `key`."""
    if column == "pk":
        return Q(pk__gt=key)
    # The first condition looks redundant; without it the planner can't seek into the index.
    return Q(**{f"{column}__gte": value}) & (Q(**{f"{column}__gt": value}) | Q(pk__gt=key))


def up_to(column: str, value: Any, key: int) -> Q:
    """Those up to that one, and that one."""
    if column == "pk":
        return Q(pk__lte=key)
    return Q(**{f"{column}__lte": value}) & (Q(**{f"{column}__lt": value}) | Q(pk__lte=key))
