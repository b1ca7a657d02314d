"""Taking something out of a message that was said: what somebody else's words hold about a person who is to go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.tokens import tokens
from conversations.models import Message, Sender
from conversations.writing import locked_person
from staff import audit
from staff.models import Account

MOST_DEEP = 20


class Kept(Exception):
    """A legal hold keeps everything of the message's person as it is."""


def redact(*, message_id: int, clean: Callable[[str], str], actor: Account) -> bool:
    """Rewrites every text of a message with `clean`: its body, and what its data holds. The search forms follow.

    False where that changes nothing. Raises Kept, Gone for a message of somebody erased, Message.DoesNotExist.
    """
    with transaction.atomic():
        owner = Message.objects.values_list("chat_user_id", flat=True).get(pk=message_id)
        person = locked_person(owner)
        if person.held_at is not None:
            raise Kept
        message = Message.objects.select_for_update().get(pk=message_id, chat_user=person)
        body, data = clean(message.body), _cleaned(message.data, clean, MOST_DEEP)
        if (body, data) == (message.body, message.data):
            return False
        message.body, message.data = body, data
        if message.sender != Sender.SYSTEM:
            message.tokens = tokens(body) if body else message.tokens and clean_tokens(message.tokens, data)
        message.save(update_fields=["body", "data", "tokens"])
        audit.record(actor=actor, verb="message.redacted", person=person.uuid, detail={"message": message.pk})
        announce(Event("message.redacted", str(person.uuid), {"id": message.pk}))
    return True


def clean_tokens(held: str, data: Any) -> str:
    """The search form of a message without a body: those of its words that its data still has."""
    left = set(tokens(" ".join(_texts(data, MOST_DEEP))).split())
    return " ".join(token for token in held.split() if token in left)


def _cleaned(value: Any, clean: Callable[[str], str], deep: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict) and deep:
        return {key: _cleaned(one, clean, deep - 1) for key, one in value.items()}
    if isinstance(value, list) and deep:
        return [_cleaned(one, clean, deep - 1) for one in value]
    return value


def _texts(value: Any, deep: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and deep:
        return [text for one in value.values() for text in _texts(one, deep - 1)]
    if isinstance(value, list) and deep:
        return [text for one in value for text in _texts(one, deep - 1)]
    return []
