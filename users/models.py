"""Who writes: people, the tokens their browsers hold, their visits, and what staff noted about them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NAME_CHARS = 200
EXTERNAL_ID_CHARS = 200
URL_CHARS = 2_000
NOTE_CHARS = 10_000
REASON_CHARS = 200


class Device(models.Model):
    """What a browser says of itself, as far as it helps to help: never the raw string."""

    browser = models.CharField(max_length=60, blank=True)
    browser_version = models.CharField(max_length=20, blank=True)
    os = models.CharField(max_length=60, blank=True)
    device_kind = models.CharField(max_length=10, blank=True)

    class Meta:
        abstract = True

    @property
    def device(self) -> str:
        """`Chrome · Windows`, or "" where nothing is known."""
        return " · ".join(part for part in (self.browser, self.os) if part)

    @property
    def device_long(self) -> str:
        """`Chrome 131 · Windows`, or "" where nothing is known."""
        browser = f"{self.browser} {self.browser_version}".strip()
        return " · ".join(part for part in (browser, self.os) if part)


class ChatUser(Device):
    """A person who writes, or might. The counters are kept by the write that changes them.

    `erased_at` is a tombstone: such a person is on no page and accepts no write.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=NAME_CHARS, blank=True)
    email = models.CharField(max_length=254, blank=True)
    external_id = models.CharField(max_length=EXTERNAL_ID_CHARS, null=True, blank=True)
    identified_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    traits = models.JSONField(default=dict, blank=True)
    name_folded = models.CharField(max_length=4 * NAME_CHARS, null=True, blank=True)
    email_folded = models.CharField(max_length=4 * 254, null=True, blank=True)

    first_seen = models.DateTimeField(default=timezone.now)
    first_contact = models.DateTimeField(null=True, blank=True)
    last_active = models.DateTimeField(null=True, blank=True)
    message_count = models.IntegerField(default=0)
    visit_count = models.IntegerField(default=0)
    unread_count = models.IntegerField(default=0)

    is_vip = models.BooleanField(default=False)
    # Without a default, for then SQLite adds the column in place and keeps the triggers of the table.
    vip_reason = models.CharField(_("reason"), max_length=REASON_CHARS, null=True, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    # No mail about replies goes out before then: a rest after one that went, or that could not.
    mail_again_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    tags: models.ManyToManyField[Tag, Tagging] = models.ManyToManyField(
        "Tag", through="Tagging", related_name="chat_users"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="chatuser_external_id_unique"),
            models.CheckConstraint(condition=~Q(external_id=""), name="chatuser_external_id_not_empty"),
            models.CheckConstraint(
                condition=Q(message_count__gte=0) & Q(visit_count__gte=0) & Q(unread_count__gte=0),
                name="chatuser_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(first_contact__isnull=False) | Q(message_count=0),
                name="chatuser_contact_has_date",
            ),
        ]
        # One index per sort order; each holds the living only, and the tie-break follows its column. What comes after
        # that is there to be read: filters are answered without a look at the row. It is only in indexes that every
        # message changes anyhow, and in that of the VIPs, who are few.
        indexes = [
            models.Index(
                fields=["last_active", "id", "first_contact", "message_count", "visit_count", "is_vip"],
                name="chatuser_last_active",
                condition=Q(erased_at=None),
            ),
            models.Index(
                F("first_contact"), F("id"), name="chatuser_first_contact", condition=Q(erased_at=None)
            ),
            models.Index(
                fields=["message_count", "id", "last_active", "first_contact", "visit_count", "is_vip"],
                name="chatuser_messages",
                condition=Q(erased_at=None),
            ),
            models.Index(F("name_folded"), F("id"), name="chatuser_name", condition=Q(erased_at=None)),
            models.Index(F("email_folded"), F("id"), name="chatuser_email", condition=Q(erased_at=None)),
            models.Index(
                fields=["id", "last_active", "first_contact", "message_count", "visit_count", "name_folded"],
                name="chatuser_vip",
                condition=Q(is_vip=True, erased_at=None),
            ),
            models.Index(F("id"), name="chatuser_held", condition=Q(held_at__isnull=False, erased_at=None)),
            models.Index(F("id"), name="chatuser_unread", condition=Q(unread_count__gt=0, erased_at=None)),
            models.Index(F("id"), name="chatuser_erased", condition=Q(erased_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"chat user {self.uuid}"

    def get_absolute_url(self) -> str:
        return f"/users/{self.uuid}/"

    @property
    def short_id(self) -> str:
        """Eight digits of the uuid, as people read them out: `7F3A-2C91`."""
        digits = self.uuid.hex[:8].upper()
        return f"{digits[:4]}-{digits[4:]}"

    @property
    def is_anonymous(self) -> bool:
        """No name, e-mail or external id is known."""
        return not (self.name or self.email or self.external_id)

    @property
    def display_name(self) -> str:
        """The name; else the e-mail address or external id; else "Anonymous"."""
        return self.name or self.email or self.external_id or str(_("Anonymous"))

    @property
    def verified(self) -> bool:
        """Whether a signed identity has vouched for the external id. Says nothing about name and e-mail."""
        return self.verified_at is not None

    @property
    def is_repeat(self) -> bool:
        """A second visit or more."""
        return self.visit_count > 1


class VisitorToken(models.Model):
    """What a browser shows to come back as the same person; only its hash is kept."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"token {self.pk}"


class MailStop(models.Model):
    """An e-mail address that wants no mail about replies, as its keyed hash: whoever gives it, also after an erasure."""

    address_hash = models.CharField(max_length=64, unique=True)
    stopped_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"mail stop {self.pk}"


class VisitEnd(models.TextChoices):
    """How a visit ended."""

    LEFT = "left", _("left")
    ESTIMATED = "estimated", _("estimated")


class Visit(Device):
    """A person's presence with no gap over 30 minutes."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="visits")
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    how_ended = models.CharField(max_length=10, choices=VisitEnd.choices, blank=True)
    landing_url = models.CharField(max_length=URL_CHARS, blank=True)
    landing_title = models.CharField(max_length=300, blank=True)
    referrer = models.CharField(max_length=URL_CHARS, blank=True)
    network = models.CharField(max_length=50, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["chat_user"], condition=Q(ended_at=None), name="visit_one_open_per_person"
            ),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("started_at")), name="visit_seen_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="visit_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["chat_user", "-started_at", "-id"], name="visit_of_person"),
            models.Index(fields=["last_seen_at"], name="visit_open", condition=Q(ended_at=None)),
            models.Index(fields=["-started_at", "-id"], name="visit_here", condition=Q(ended_at=None)),
            # What is kept too long is found oldest first.
            models.Index(fields=["ended_at", "id"], name="visit_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"visit {self.pk}"


class TagColor(models.TextChoices):
    """The colours that a tag may have, as css/tags.css knows them; one without has none."""

    RED = "red", _("Red")
    ORANGE = "orange", _("Orange")
    GREEN = "green", _("Green")
    TEAL = "teal", _("Teal")
    BLUE = "blue", _("Blue")
    VIOLET = "violet", _("Violet")
    PINK = "pink", _("Pink")


class StandingTags(models.Manager["Tag"]):
    """The tags that stand: not those that are on the way out, which nobody may find or put on any more."""

    def get_queryset(self) -> models.QuerySet[Tag]:
        return super().get_queryset().filter(going_at=None)


class Tag(models.Model):
    """A word that staff put on people.

    `going_at`: since when it is being deleted, or merged into the tag `into`. Its folded name is free from then on,
    and it keeps its row until the last person has lost it.
    """

    name = models.CharField(_("name"), max_length=40)
    name_folded = models.CharField(max_length=160, unique=True)
    color = models.CharField(_("colour"), max_length=10, blank=True, choices=TagColor.choices)
    created_at = models.DateTimeField(default=timezone.now)
    going_at = models.DateTimeField(null=True, blank=True)
    into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = StandingTags()
    everything: models.Manager[Tag] = models.Manager()

    class Meta:
        ordering = ["name_folded"]

    def __str__(self) -> str:
        return self.name


class Tagging(models.Model):
    """A tag on a person."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="taggings")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="taggings", db_index=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat_user", "tag"], name="tagging_once")]
        indexes = [models.Index(fields=["tag", "chat_user"], name="tagging_of_tag")]

    def __str__(self) -> str:
        return f"tagging {self.pk}"


class Note(models.Model):
    """What staff wrote down about a person, for staff only."""

    chat_user = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=100, blank=True)
    body = models.TextField(max_length=NOTE_CHARS)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["chat_user", "-created_at", "-id"], name="note_of_person")]

    def __str__(self) -> str:
        return f"note {self.pk}"


class Collected(models.TextChoices):
    """What is collected about a visitor beyond what they write."""

    NETWORK = "network", _("network prefix of the IP address")
    REFERRER = "referrer", _("page that led here")
    PAGE_TITLES = "page_titles", _("titles of pages")
    DEVICE = "device", _("browser and system")


class CollectSetting(models.Model):
    """Whether one kind of thing is collected; without a row it is."""

    item = models.CharField(max_length=20, choices=Collected.choices, unique=True)
    is_on = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.item
