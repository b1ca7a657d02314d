"""Which of a visitor's messages staff have read, for tabs that weren't there to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import OuterRef, Subquery

from conversations.models import Message, Sender
from users.models import ChatUser


class Read(NamedTuple):
    """Staff have read everything up to this message, that one at that time."""

    up_to: int
    at: dt.datetime


def last_read(chat_user_ids: Collection[int]) -> dict[int, Read]:
    """The newest message of each that staff have read; without one they are left out."""
    if not chat_user_ids:
        return {}
    read = Message.objects.filter(chat_user=OuterRef("pk"), sender=Sender.VISITOR, read_at__isnull=False)
    people = ChatUser.objects.filter(pk__in=chat_user_ids)
    newest = people.annotate(newest=Subquery(read.order_by("-id").values("pk")[:1])).values("newest")
    found = Message.objects.filter(pk__in=newest).values_list("chat_user", "pk", "read_at")
    return {chat_user_id: Read(pk, at) for chat_user_id, pk, at in found if at is not None}
