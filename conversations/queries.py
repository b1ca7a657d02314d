"""Reads of conversations that several pages and live fragments ask."""

from __future__ import annotations

from conversations.models import Conversation
from users.models import ChatUser


def latest_conversation(chat_user: ChatUser) -> Conversation | None:
    """The open conversation, else the one that began last; None before the first."""
    # Opened again, an older conversation is the open one.
    newest = chat_user.conversations.order_by("-started_at", "-id").first()
    if newest is None or newest.status == "open":
        return newest
    return chat_user.conversations.filter(status="open").first() or newest
