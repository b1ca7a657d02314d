"""Which staff are at work: leases of their open pages."""

from __future__ import annotations

from chatadmin.lib import redis_store
from chatadmin.lib.leases import Leases, Terms, leases

TERMS = Terms(lease_seconds=50, grace_seconds=6)


def store() -> Leases:
    """The leases of all staff, by account id; one member for each open page."""
    return leases("staff", TERMS)


def anyone_here() -> bool:
    """Whether somebody has a page open. False where the store can't be reached."""
    try:
        store().reap()
        return store().count() > 0
    except redis_store.UNREACHABLE:
        return False
