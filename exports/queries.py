"""What the pages of this room show: how much is held about a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from conversations.models import Kind, Message, Sender
from exports.register import BY_NAME
from users.models import ChatUser

FILE_KINDS = (Kind.FILE, Kind.IMAGE)


@dataclass(frozen=True)
class Amounts:
    """How much is held about one person. `notices` are the system's lines in conversations; `file_bytes` adds up
    the sizes that the files' messages name."""

    tags: int
    notes: int
    conversations: int
    messages: int
    notices: int
    visits: int
    activity: int
    browsers: int
    merges: int
    files: int
    file_bytes: int


def amounts_about(person: ChatUser) -> Amounts:
    """Counts the rows of a person, table by table."""
    said = Message.objects.filter(chat_user=person).aggregate(
        all=Count("pk"),
        notices=Count("pk", filter=Q(sender=Sender.SYSTEM)),
        files=Count("pk", filter=Q(kind__in=FILE_KINDS)),
    )
    names = ("tags", "notes", "conversations", "visits", "activity", "browsers", "merges")
    return Amounts(
        **{name: BY_NAME[name].rows_of(person.pk).count() for name in names},
        messages=said["all"] - said["notices"],
        notices=said["notices"],
        files=said["files"],
        file_bytes=_file_bytes(person) if said["files"] else 0,
    )


def _file_bytes(person: ChatUser) -> int:
    named = Message.objects.filter(chat_user=person, kind__in=FILE_KINDS).values_list("data", flat=True)
    sizes = (data.get("size") for data in named.iterator() if isinstance(data, dict))
    return sum(size for size in sizes if isinstance(size, int) and size > 0)


def backups_until() -> dt.datetime:
    """The day by which today's backups are gone, as the installation says (BACKUP_DAYS)."""
    return timezone.now() + dt.timedelta(days=settings.BACKUP_DAYS)
