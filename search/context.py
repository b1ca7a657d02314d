"""What the navigation shows on every staff page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from search.conversation_walk import unread
from users import presence

UNREAD_CAP = 1_000


@dataclass(frozen=True)
class NavCounts:
    """People online, and conversations with unread messages: exact up to 1,000, then so many `and_more`."""

    online: int
    unread: int
    unread_and_more: bool


def nav_counts() -> NavCounts:
    """The counts as they are now; one bounded query by index and one look at presence."""
    waiting = unread().values("pk")[: UNREAD_CAP + 1].count()
    return NavCounts(presence.online_count(), min(waiting, UNREAD_CAP), waiting > UNREAD_CAP)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: `nav`, counted only where a page shows it."""
    return {"nav": SimpleLazyObject(nav_counts)}
