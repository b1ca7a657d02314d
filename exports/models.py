"""What is kept of an erasure: never whom it was about, only that it happened, why, and how much went."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

TICKET_PATTERN = r"^[A-Za-z0-9-]{0,40}\Z"


class Reason(models.TextChoices):
    """Why somebody was erased. Codes only: a free text would name the person again."""

    SUBJECT_REQUEST = "subject_request", _("They asked for it")
    RETENTION = "retention", _("Kept long enough")
    ABUSE = "abuse", _("Abuse")
    TEST = "test", _("Test data")
    OTHER = "other", _("Another reason")


class Erasure(models.Model):
    """One person's erasure: its progress while it runs, and what remains of it afterwards.

    The person is named by the keyed hash of staff/audit.py. `counts` (rows gone, by the register's names) moves in
    the transaction of each chunk. `rows_gone_at`: no row is left; `finished_at`: the freed bytes are overwritten too.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person_hash = models.CharField(max_length=64)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=254, blank=True)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    ticket = models.CharField(max_length=40, blank=True, validators=[RegexValidator(TICKET_PATTERN)])
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(default=timezone.now)
    rows_gone_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Two members of staff who press the button at once work on the same erasure.
            models.UniqueConstraint(
                fields=["person_hash"], condition=Q(rows_gone_at=None), name="erasure_one_running_per_person"
            ),
            models.CheckConstraint(condition=Q(reason__in=Reason.values), name="erasure_reason_known"),
        ]
        indexes = [
            models.Index(fields=["started_at"], name="erasure_unfinished", condition=Q(finished_at=None)),
            models.Index(fields=["-started_at", "-id"], name="erasure_newest"),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
