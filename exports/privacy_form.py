"""Whether the public form for one's own data is open: it is, where mails can be sent, until an admin closes it."""

from __future__ import annotations

from django.db import transaction

from conversations.mailing import missing
from exports.retention_models import PublishedPage
from staff import audit
from staff.models import Account

# A row of this name says that it is closed, for it is open from the start.
CLOSED = "privacy_closed"


def is_open() -> bool:
    """Whether people may ask there; asked again with each page, so that closing it holds at once."""
    return not PublishedPage.objects.filter(page=CLOSED).exists()


def may_ask() -> bool:
    """Whether the form is there: it is open, and mails can be sent."""
    return not missing() and is_open()


def set_open(*, on: bool, actor: Account) -> bool:
    """Opens the form, or closes it; links that were mailed before still count. Returns whether that is new."""
    with transaction.atomic():
        if on:
            changed = bool(PublishedPage.objects.filter(page=CLOSED).delete()[0])
        else:
            changed = PublishedPage.objects.get_or_create(page=CLOSED)[1]
        if changed:
            audit.record(actor=actor, verb="privacy_form.opened" if on else "privacy_form.closed")
    return changed
