"""Blocking, which the person's record and their timeline both tell of."""

from __future__ import annotations

from django.db import transaction

from conversations.actions import record_event
from conversations.models import EventKind
from staff.models import Account
from users import actions


def set_blocked(*, chat_user_id: int, blocked: bool, actor: Account) -> bool:
    """Blocks a person or lets them write again. Returns whether that changed anything. Raises users.actions.Gone."""
    with transaction.atomic():
        person = actions.set_blocked(chat_user_id=chat_user_id, blocked=blocked, actor=actor)
        if person is not None:
            record_event(person=person, kind=EventKind.BLOCKED if blocked else EventKind.UNBLOCKED)
    return person is not None
