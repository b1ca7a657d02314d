"""What the pages of this room show: how much is held about a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from conversations.models import ActivityEvent, Kind, Message, Sender
from exports.register import BY_NAME, CHILDREN
from users.models import ChatUser

# So many go while whoever asks waits.
AT_ONCE_ROWS = 2_000
SAMPLED = 200
# What a row takes beside its text, how far a ZIP presses it, and what an empty one takes.
ROW_BYTES, ZIPPED, LEAST_ZIP = 160, 0.2, 2_500
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

    @property
    def rows(self) -> int:
        """How many rows an export reads, those of the access log aside."""
        told = self.tags + self.notes + self.conversations + self.visits + self.activity + self.merges
        return told + self.messages + self.notices


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


def goes_at_once(person: ChatUser) -> bool:
    """Whether a person has fewer rows than AT_ONCE_ROWS, so that whoever asks may wait for their erasure. Counts no
    further than that."""
    left = AT_ONCE_ROWS
    for declared in CHILDREN:
        left -= declared.rows_of(person.pk)[:left].count()
        if left <= 0:
            return False
    return True


@dataclass(frozen=True)
class Sizes:
    """About how many bytes an export takes in each form."""

    json: int
    csv: int


def sizes_about(person: ChatUser, amounts: Amounts) -> Sizes:
    """Told from the length of the newest messages and events; the other rows count for little."""
    said = Message.objects.filter(chat_user=person).order_by("-created_at", "-pk")[:SAMPLED]
    words = [
        len(body.encode()) + (len(str(data)) if data else 0)
        for body, data in said.values_list("body", "data")
    ]
    done = ActivityEvent.objects.filter(chat_user=person).order_by("-at", "-pk")[:SAMPLED]
    events = [len(str(data)) for data in done.values_list("data", flat=True)]
    text = _mean(words) * (amounts.messages + amounts.notices) + _mean(events) * amounts.activity
    rows = amounts.messages + amounts.notices + amounts.activity + amounts.visits + amounts.conversations + 5
    json = round(text + ROW_BYTES * rows)
    return Sizes(json, max(round(json * ZIPPED), LEAST_ZIP))


def _mean(sizes: list[int]) -> float:
    return sum(sizes) / len(sizes) if sizes else 0


def _file_bytes(person: ChatUser) -> int:
    named = Message.objects.filter(chat_user=person, kind__in=FILE_KINDS).values_list("data", flat=True)
    sizes = (data.get("size") for data in named.iterator() if isinstance(data, dict))
    return sum(size for size in sizes if isinstance(size, int) and size > 0)


def backups_until() -> dt.datetime:
    """The day by which today's backups are gone, as the installation says (BACKUP_DAYS)."""
    return timezone.now() + dt.timedelta(days=settings.BACKUP_DAYS)
