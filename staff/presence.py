"""Which staff are at work: leases of their open pages. Who comes or goes is announced, as `staff.moved`."""

from __future__ import annotations

import contextlib

from chatadmin.lib import redis_store
from chatadmin.lib.bus import Event, announce
from chatadmin.lib.leases import Leases, Terms, leases

TERMS = Terms(lease_seconds=50, grace_seconds=6)


def store() -> Leases:
    """The leases of all staff, by account id; one member for each open page."""
    return leases("staff", TERMS)


def beat(account_id: int, page: str) -> None:
    """A page of theirs is open: takes or renews its lease. Where the store can't be reached, the next beat does."""
    with contextlib.suppress(*redis_store.UNREACHABLE):
        was_away, _ = store().touch([(str(account_id), page)])[str(account_id)]
        if was_away:
            announce(Event("staff.moved", data={"account": account_id, "here": True}))


def leave(account_id: int, page: str) -> None:
    """A page of theirs was closed; they are gone after the grace, unless another is open."""
    with contextlib.suppress(*redis_store.UNREACHABLE):
        store().drop(str(account_id), page)


def reap() -> None:
    """Takes out those whose leases are over, and announces them gone."""
    with contextlib.suppress(*redis_store.UNREACHABLE):
        _reap()


def anyone_here() -> bool | None:
    """Whether somebody has a page open. None where the store can't be reached."""
    try:
        _reap()
        return store().count() > 0
    except redis_store.UNREACHABLE:
        return None


def _reap() -> None:
    gone = [int(lapsed.group) for lapsed in store().reap()]
    if gone:
        announce(*(Event("staff.moved", data={"account": account, "here": False}) for account in gone))
