"""What was said and done: conversations, messages, activity events, and the journal of joined people."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.models import ChatUser, Visit

BODY_CHARS = 4_000


class Side(models.TextChoices):
    """Whose turn it is: the side that didn't write last."""

    STAFF = "staff", _("ours")
    VISITOR = "visitor", _("theirs")


class Status(models.TextChoices):
    OPEN = "open", _("open")
    CLOSED = "closed", _("closed")


class Sender(models.TextChoices):
    """Who said it; `from` in frames and exports."""

    VISITOR = "visitor", _("Visitor")
    STAFF = "staff", _("Staff")
    BOT = "bot", _("Bot")
    SYSTEM = "system", _("System")


class Kind(models.TextChoices):
    TEXT = "text", _("Text")
    IMAGE = "image", _("Image")
    FILE = "file", _("File")
    FORM = "form", _("Form")
    SYSTEM = "system", _("System")


class Conversation(models.Model):
    """Messages from the first one until it is closed; a person has at most one open."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="conversations")
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    turn = models.CharField(max_length=7, choices=Side.choices, default=Side.STAFF)
    started_at = models.DateTimeField(default=timezone.now)
    last_message_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    unread_count = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["chat_user"], condition=Q(status=Status.OPEN), name="conversation_one_open_per_person"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.OPEN, closed_at=None)
                | Q(status=Status.CLOSED, closed_at__isnull=False),
                name="conversation_closed_has_date",
            ),
            models.CheckConstraint(condition=Q(unread_count__gte=0), name="conversation_unread_not_negative"),
            # What the message's composite key refers to: message.chat_user = conversation.chat_user.
            models.UniqueConstraint(fields=["id", "chat_user"], name="conversation_of_person"),
        ]
        indexes = [
            models.Index(fields=["chat_user", "-started_at", "-id"], name="conversation_by_person"),
            models.Index(
                fields=["last_message_at"], name="conversation_open", condition=Q(status=Status.OPEN)
            ),
            # Every kind of conversation that the list can be asked for is one range of one of these.
            models.Index(
                fields=["turn", "status", "-last_message_at", "-id"],
                name="conversation_unread",
                condition=Q(unread_count__gt=0),
            ),
            models.Index(
                fields=["turn", "status", "-last_message_at", "-id"],
                name="conversation_read",
                condition=Q(unread_count=0),
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Message(models.Model):
    """One thing said. Ids of one person's messages grow in the order in which they were committed."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="messages", db_index=False)
    sender = models.CharField(max_length=7, choices=Sender.choices)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    body = models.TextField(blank=True)
    data = models.JSONField(null=True, blank=True)
    tokens = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    author_name = models.CharField(max_length=100, blank=True)
    client_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    # Without a default, for then SQLite adds the column in place and keeps the triggers of the table.
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chat_user", "client_id"], name="message_idempotency_key"),
        ]
        indexes = [
            models.Index(fields=["chat_user", "created_at", "id"], name="message_history"),
            models.Index(fields=["chat_user", "id"], name="message_resume"),
            models.Index(
                fields=["chat_user", "id"], name="message_unread", condition=Q(read_at=None, sender="visitor")
            ),
            models.Index(fields=["author"], name="message_author", condition=Q(author__isnull=False)),
            # Replies that wait to be read, or to be mailed: the sweep looks at those of a day.
            models.Index(
                fields=["created_at", "id", "chat_user"],
                name="message_unmailed",
                condition=Q(read_at=None, mailed_at=None, sender="staff"),
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def is_read(self) -> bool:
        """Whether the other side has seen it."""
        return self.read_at is not None


class EventKind(models.TextChoices):
    """What a person did apart from writing, and what was done about them."""

    FIRST_VISIT = "first_visit", _("First visit")
    VISIT = "visit", _("Came back")
    PAGE = "page", _("Looked at a page")
    WIDGET_OPENED = "widget_opened", _("Opened the widget")
    WIDGET_CLOSED = "widget_closed", _("Closed the widget")
    IDENTIFIED = "identified", _("Said who they are")
    MERGED = "merged", _("Joined with an earlier visitor")
    MAILED = "mailed", _("Was sent unread replies by e-mail")
    BLOCKED = "blocked", _("Blocked")
    UNBLOCKED = "unblocked", _("Unblocked")


class ActivityEvent(models.Model):
    """Something a person did. Messages are not copied in; the timeline merges both as it reads."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="events", db_index=False)
    visit = models.ForeignKey(Visit, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["chat_user", "at", "id"], name="event_timeline"),
            # What is kept too long is found oldest first.
            models.Index(fields=["at", "id"], name="event_oldest"),
        ]

    def __str__(self) -> str:
        return f"event {self.pk}"


class MergeJournal(models.Model):
    """What was joined into a person, row by row, so that it can be taken apart again."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="merges")
    merged_uuid = models.UUIDField()
    profile = models.JSONField()
    moved = models.JSONField()
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(F("merged_uuid"), F("at"), name="merge_once")]

    def __str__(self) -> str:
        return f"merge {self.pk}"
