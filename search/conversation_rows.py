"""What a row of the conversation list shows: the person, and the last thing that was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, QuerySet
from django.utils.safestring import SafeString

from conversations.models import Conversation, Kind, Message, Sender
from conversations.shown import answers_of, file_of
from search.snippets import snippet
from search.words import Words
from users.queries import Person, people

PREVIEW_CHARS = 300


@dataclass(frozen=True)
class Row:
    """A conversation, its person, and one of its messages: the last one, or that which was searched for.

    `message`: None where nothing but our own notices is left. `snippet`: the part of it that was searched for.
    """

    conversation: Conversation
    person: Person
    message: Message | None
    snippet: SafeString | str = ""

    @property
    def address(self) -> str:
        """The history around the message."""
        profile = self.person.user.get_absolute_url()
        at = self.message
        return f"{profile}conversations/?at={at.pk}#m{at.pk}" if at else profile

    @property
    def preview(self) -> str:
        """The message in a line."""
        return preview(self.message) if self.message else ""

    @property
    def author(self) -> str:
        """Who said it."""
        if self.message is None:
            return ""
        if self.message.sender == Sender.VISITOR:
            return str(Sender.VISITOR.label)
        return self.message.author_name or str(Sender(self.message.sender).label)

    @property
    def is_badge_live(self) -> bool:
        """Whether the person's own count of unread messages is and stays this conversation's."""
        # What they write goes into their open conversation; another one may hold unread messages, too.
        return (
            self.conversation.status == "open"
            and self.conversation.unread_count == self.person.user.unread_count
        )


def preview(message: Message) -> str:
    """A message in a line: its words; a file or image by its name, a form by what was filled in."""
    parts = [" ".join(message.body[: 2 * PREVIEW_CHARS].split())]
    if message.kind in (Kind.FILE, Kind.IMAGE):
        parts = [message.get_kind_display(), file_of(message.data).name, *parts]
    elif message.kind == Kind.FORM:
        answers = [f"{answer.label}: {answer.value}" for answer in answers_of(message.data)]
        parts = [
            message.get_kind_display(),
            ", ".join(" ".join(answer.split()) for answer in answers),
            *parts,
        ]
    return " · ".join(part for part in parts if part)[:PREVIEW_CHARS]


def rows_of(ids: Sequence[int], hits: Mapping[int, int], words: Words | None) -> list[Row]:
    """The rows of conversations, in the order of their ids given, without those that are gone by now.

    `hits`: for conversations that were found by `words`, the message that says them. Four queries, however many.
    """
    known = {row.pk: row for row in with_last_messages(ids)}
    said = {pk: hits.get(pk) or row.last_id for pk, row in known.items()}
    messages = Message.objects.defer("tokens").in_bulk([pk for pk in said.values() if pk is not None])
    shown = [known[pk] for pk in ids if pk in known]
    persons = people([conversation.chat_user for conversation in shown])
    rows = []
    for conversation, person in zip(shown, persons, strict=True):
        message = messages.get(said[conversation.pk] or 0)
        line = snippet(message.body, words) if message and words and conversation.pk in hits else ""
        rows.append(Row(conversation, person, message, line))
    return rows


def with_last_messages(ids: Sequence[int]) -> QuerySet[Any]:
    """Conversations, each with its person and `last_id`: its last message that is no notice of ours, or None."""
    found = Conversation.objects.filter(pk__in=ids, chat_user__erased_at=None).select_related("chat_user")
    return found.annotate(last_id=_last_messages().values("pk")[:1])


def _last_messages() -> QuerySet[Message]:
    """Along the person's history from the conversation's last moment back: the first row or two.

    By the index of the conversation alone all of its messages would be sorted, a hundred thousand of them, too; the
    sum keeps it out.
    """
    return (
        Message.objects.annotate(of=F("conversation_id") + 0)
        .filter(
            of=OuterRef("pk"),
            chat_user=OuterRef("chat_user"),
            created_at__gte=OuterRef("started_at"),
            created_at__lte=OuterRef("last_message_at"),
        )
        .exclude(sender=Sender.SYSTEM)
        .order_by("-created_at", "-pk")
    )
