"""Work that takes longer than a request: one row a job, so that no crash forgets it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """What has become of a job. A proposed one does nothing until somebody says so; the last three are its ends."""

    PROPOSED = "proposed", _("Not started")
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING)
ENDED = (JobState.STOPPED, JobState.DONE, JobState.FAILED)


class Job(models.Model):
    """What is to be done, and how far it is. Names people by id, nothing else: a job outlives an erasure.

    `detail` says what is done (codes and ids) and stays; `payload` is the rest that the work needs and is emptied at
    the end. `cursor` is where the next chunk begins, None before the first; it moves in the chunk's own transaction,
    as do `done`, `changed` and `counts` (what a kind counts besides). `attempts` counts what went wrong since the
    last chunk that went right, `error` is the type of the last of it. `due_at`: not before; of several whose time
    has come, the first. Whoever works on it is its `holder` until `leased_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    detail = models.JSONField(default=dict, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    cursor = models.JSONField(null=True, blank=True)

    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)

    holder = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=100, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(holder="", leased_until=None) | ~Q(holder="") & Q(leased_until__isnull=False),
                name="job_lease_has_holder",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False) | ~Q(state__in=ENDED) & Q(ended_at=None),
                name="job_end_has_date",
            ),
        ]
        indexes = [
            # The runner asks twice a second: of the thousands that have ended it meets none.
            models.Index(F("due_at"), F("id"), name="job_open", condition=Q(state__in=OPEN)),
            models.Index(fields=["ended_at"], name="job_ended", condition=Q(ended_at__isnull=False)),
            models.Index(
                fields=["account", "kind", "-created_at"], name="job_proposed", condition=Q(state="proposed")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Somebody works on it, or will."""
        return self.state in OPEN

    @property
    def has_ended(self) -> bool:
        """Nobody works on it any more."""
        return self.state in ENDED
