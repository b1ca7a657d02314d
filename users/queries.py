"""Reads about people that several rooms ask."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from users import presence
from users.models import ChatUser, Tag, Tagging, Visit


@dataclass(frozen=True)
class Person:
    """A person as pages show them: the row, and what is true of them right now."""

    user: ChatUser
    online: bool
    session_started_at: dt.datetime | None
    tags: list[Tag]
    typing: bool = False

    @property
    def initials(self) -> str:
        """One or two letters for the avatar; `?` for somebody unknown."""
        return initials(self.user)

    @property
    def last_seen_at(self) -> dt.datetime | None:
        """When they last did something or were connected."""
        return self.user.last_active


def initials(chat_user: ChatUser) -> str:
    """The first letters of the first and last word of what is known; `?` where nothing is."""
    words = [word for word in re.findall(r"\w+", chat_user.display_name) if not word.isdigit()]
    if chat_user.is_anonymous:
        return "?"
    if not words:
        return chat_user.display_name[:1]
    if not chat_user.name or len(words) == 1 or not words[0].isascii():
        return words[0][:1].upper()
    return (words[0][:1] + words[-1][:1]).upper()


def living() -> QuerySet[ChatUser]:
    """Everyone but the erased."""
    return ChatUser.objects.filter(erased_at=None)


def person_by_uuid(person: uuid.UUID) -> ChatUser:
    """The living person of that uuid. Raises ChatUser.DoesNotExist."""
    return living().get(uuid=person)


def people(chat_users: Sequence[ChatUser]) -> list[Person]:
    """`chat_users` as pages show them, in the same order: two queries and one look at presence, however many."""
    ids = [chat_user.pk for chat_user in chat_users]
    online = presence.online([chat_user.uuid for chat_user in chat_users])
    started = dict(
        Visit.objects.filter(chat_user__in=ids, ended_at=None).values_list("chat_user", "started_at")
    )
    tags: dict[int, list[Tag]] = {}
    for tagging in (
        Tagging.objects.filter(chat_user__in=ids).select_related("tag").order_by("tag__name_folded")
    ):
        tags.setdefault(tagging.chat_user_id, []).append(tagging.tag)
    return [
        Person(
            user=chat_user,
            online=chat_user.uuid in online,
            session_started_at=started.get(chat_user.pk) if chat_user.uuid in online else None,
            tags=tags.get(chat_user.pk, []),
        )
        for chat_user in chat_users
    ]
