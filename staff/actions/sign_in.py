"""What sign-in leaves behind: a line in the audit log, and word to the pages of a session that ended."""

from __future__ import annotations

from django.db import transaction

from chatadmin.lib.bus import Event, announce
from staff import audit
from staff.models import Account


def note_sign_in(*, account: Account) -> None:
    """Somebody signed in."""
    with transaction.atomic():
        audit.record(actor=account, verb="staff.signed_in")


def note_sign_out(*, account: Account) -> None:
    """Somebody signed out; call it once the session is gone, for its open pages look again at once."""
    with transaction.atomic():
        audit.record(actor=account, verb="staff.signed_out")
        announce(Event("session.ended", data={"account": account.pk}))


def note_failed_sign_in() -> None:
    """Somebody tried a wrong password. The address they typed may be anybody's, and is not kept."""
    with transaction.atomic():
        audit.record(actor=None, verb="staff.sign_in_failed")
