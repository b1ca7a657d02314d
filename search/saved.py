"""Reads of saved views: which ones somebody has as tabs, and which of them an address means.

`view=` shows a saved view; what else the address says overrides it. Every further link from there spells its
parameters out, so that it can be shared and no filter comes back, and says with `from_view=` which view it began as.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from search.filters import UserFilters
from search.models import SavedView
from staff.models import Account

MOST_OWN = 50
MOST_SHARED = 100
# So many tabs stand in a row; the others are in a menu beside it.
IN_ROW = 8
_ID = re.compile("[0-9]{1,18}", re.ASCII)


class Resolved(NamedTuple):
    """What an address means: the list's parameters, the saved view that it is or began as, and what was wrong."""

    parameters: QueryDict
    view: SavedView | None
    error: str


@dataclass(frozen=True)
class Tab:
    """A view in the row of tabs. `is_current`: the list shows it, and nothing but it."""

    view: SavedView
    is_current: bool

    @property
    def is_private(self) -> bool:
        """Whether only its owner sees it."""
        return not self.view.is_shared


@dataclass(frozen=True)
class Bar:
    """The tabs above the list, and what can be done about what it shows.

    `is_everyone`: it shows everyone. `changed`: the view that it began as, where it shows something else by now.
    `query`: what a new view would keep, "" where there is nothing to keep.
    """

    tabs: list[Tab]
    more: list[Tab]
    is_everyone: bool
    changed: SavedView | None
    may_save: bool
    query: str
    error: str = ""


def visible(account: Account) -> list[SavedView]:
    """The views that `account` has as tabs: first the installation's, then their own, then the team's. One query."""
    found = SavedView.objects.filter(Q(is_shared=True) | Q(owner=account)).select_related("owner")
    return sorted(
        found,
        key=lambda view: (view.owner_id is not None, view.owner_id != account.pk, view.position, view.pk),
    )


def may_change(view: SavedView, account: Account) -> bool:
    """Whether `account` may rename, share, change and delete `view`, which they see."""
    return view.owner_id == account.pk or (view.is_shared and account.can("views.manage"))


def resolve(given: QueryDict, views: list[SavedView]) -> Resolved:
    """What `given` means to somebody who has `views`. An unknown `from_view` is nothing to complain about."""
    known = {str(view.pk): view for view in views}
    wanted = given.get("view", "").strip()
    if not wanted:
        return Resolved(given, known.get(given.get("from_view", "")), "")
    view = known.get(wanted) if _ID.fullmatch(wanted) else None
    if view is None:
        return Resolved(given, None, _("This saved view is gone, or it is somebody else's."))
    parameters = QueryDict(view.query, mutable=True)
    for name in given:
        parameters.setlist(name, given.getlist(name))
    return Resolved(parameters, view, "")


def bar(filters: UserFilters, resolved: Resolved, views: list[SavedView], account: Account) -> Bar:
    """The tabs of somebody who has `views`, above the list that `filters` makes."""
    shown = filters.query().urlencode()
    current = next((view for view in _likeliest(resolved.view, views) if view.query == shown), None)
    changed = resolved.view if shown and current is None else None
    tabs = [Tab(view, view == current) for view in views]
    in_row, more = tabs[:IN_ROW], tabs[IN_ROW:]
    meant = next((tab for tab in more if tab.is_current or tab.view == changed), None)
    if meant is not None:
        more.remove(meant)
        in_row.insert(0, meant)
    return Bar(
        in_row,
        more,
        is_everyone=not shown,
        changed=changed,
        may_save=changed is not None and may_change(changed, account),
        query=shown if current is None else "",
        error=resolved.error,
    )


def _likeliest(first: SavedView | None, views: list[SavedView]) -> list[SavedView]:
    """Two views may hold the same search: the one that was asked for goes first."""
    return [first, *views] if first is not None else views
