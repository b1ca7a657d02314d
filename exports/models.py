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


class HoldReason(models.TextChoices):
    """Why somebody's data must stay: what the law knows as reasons, as codes."""

    LEGAL_CLAIM = "legal_claim", _("Legal claims")
    AUTHORITY = "authority", _("An authority asked for it")
    DUTY = "duty", _("A duty by law to keep it")
    RESTRICTION = "restriction", _("They asked to keep it")


class Hold(models.Model):
    """A legal hold: who says that nothing of one person may go, why and since when, and who lifted it.

    The person is named by the keyed hash of staff/audit.py, so that the row says nothing once they are erased.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person_hash = models.CharField(max_length=64)
    reason = models.CharField(max_length=20, choices=HoldReason.choices)
    ticket = models.CharField(max_length=40, blank=True, validators=[RegexValidator(TICKET_PATTERN)])
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    placed_by_name = models.CharField(max_length=254, blank=True)
    placed_at = models.DateTimeField(default=timezone.now)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_by_name = models.CharField(max_length=254, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person_hash"], condition=Q(lifted_at=None), name="hold_one_standing_per_person"
            ),
            models.CheckConstraint(condition=Q(reason__in=HoldReason.values), name="hold_reason_known"),
        ]
        indexes = [models.Index(fields=["person_hash", "-placed_at", "-id"], name="hold_of_person")]

    def __str__(self) -> str:
        return f"hold {self.pk}"
