"""Retention rules, their runs, and what is shown to visitors of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class Whose(models.TextChoices):
    """Whose data a retention rule is about. Anonymous: no name, e-mail address or external id is known."""

    ANONYMOUS = "anonymous", _("Anonymous people")
    IDENTIFIED = "identified", _("Identified people")
    EVERYONE = "everyone", _("Everyone")


class What(models.TextChoices):
    """Which data a retention rule is about."""

    EVERYTHING = "everything", _("Everything, with the person")
    MESSAGES = "messages", _("Messages")
    VISITS = "visits", _("Visits and device data")
    ACTIVITY = "activity", _("Activity")
    AUDIT = "audit", _("The audit log")


class Unit(models.TextChoices):
    """What a retention rule's time is counted in."""

    DAYS = "days", _("days")
    MONTHS = "months", _("months")


MOST_OF_UNIT = {Unit.DAYS: 3_660, Unit.MONTHS: 240}


class RetentionRule(models.Model):
    """How long something is kept: so many days or months since the person was last active (everything), else since
    the row was written. `freed_at`: since when bytes of what went wait to be overwritten."""

    whose = models.CharField(max_length=12, choices=Whose.choices)
    what = models.CharField(max_length=12, choices=What.choices)
    amount = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=8, choices=Unit.choices)
    is_on = models.BooleanField(default=False)
    switched_at = models.DateTimeField(default=timezone.now)
    # Who asked to switch it on, where that needs a second admin.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    freed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["whose", "what"], name="retention_one_rule_each"),
            models.CheckConstraint(
                condition=Q(whose__in=Whose.values, what__in=What.values, unit__in=Unit.values),
                name="retention_rule_known",
            ),
            models.CheckConstraint(condition=Q(amount__gte=1), name="retention_rule_keeps"),
            models.CheckConstraint(
                condition=~Q(what=What.AUDIT) | Q(whose=Whose.EVERYONE), name="retention_audit_is_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"retention rule {self.pk}"

    @property
    def keeps(self) -> str:
        """How long, in words."""
        if self.unit == Unit.DAYS:
            return ngettext("{n} day", "{n} days", self.amount).format(n=self.amount)
        return ngettext("{n} month", "{n} months", self.amount).format(n=self.amount)


class RunState(models.TextChoices):
    """What has become of a rule's run."""

    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Switched off meanwhile")
    FAILED = "failed", _("Failed; tried again the next day")


class RetentionRun(models.Model):
    """One day's run of a rule: up to when things went, by which job, and how much."""

    rule = models.ForeignKey(RetentionRule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    job = models.UUIDField(unique=True)
    day = models.DateField()
    before = models.DateTimeField()
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.RUNNING)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(ended_at=None), name="retention_one_run_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="retention_run_newest"),
            models.Index(fields=["rule", "-started_at"], name="retention_run_of_rule"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def went(self) -> list[tuple[str, int]]:
        """What was counted, in words, but for what there was none of."""
        return [(str(WENT.get(name, name)), count) for name, count in sorted(self.counts.items()) if count]


WENT = {
    "people": _("people"),
    "messages": _("messages"),
    "conversations": _("conversations"),
    "visits": _("visits"),
    "activity": _("entries of activity"),
    "lines": _("lines"),
    "left": _("could not be erased"),
}


class PublishedPage(models.Model):
    """A switch of a public page, by name: shown to everybody where it isn't from the start, or closed where it is."""

    page = models.CharField(max_length=20, unique=True)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.page
