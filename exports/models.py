"""What is kept of an erasure: never whom it was about, only that it happened, why, and how much went."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import MergeJournal
from exports import retention_models  # noqa: F401 - more tables of this room
from users.models import ChatUser
from users.text import EMAIL_CHARS

REQUEST_DAYS = 30
TICKET_PATTERN = r"^[A-Za-z0-9-]{0,40}\Z"


class Reason(models.TextChoices):
    """Why somebody was erased. Codes only: a free text would name the person again."""

    SUBJECT_REQUEST = "subject_request", _("They asked for it")
    RETENTION = "retention", _("Kept long enough")
    ABUSE = "abuse", _("Abuse")
    TEST = "test", _("Test data")
    OTHER = "other", _("Another reason")


class Approval(models.TextChoices):
    """What a second admin said, where one is needed."""

    NONE = "", _("Not needed")
    WAITING = "waiting", _("Waits for a second admin")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")


class Erasure(models.Model):
    """One person's erasure: its progress while it runs, and what remains of it afterwards.

    The person is named by the keyed hash of staff/audit.py. `counts` (rows gone, by the register's names) moves in
    the transaction of each chunk. `rows_gone_at`: no row is left; `finished_at`: the freed bytes are overwritten too,
    everywhere was looked (`checked`: what was found, by place, null where it couldn't be looked) and the `receipt`,
    a signed text, is made. `is_confirmed`: the ledger says that it was committed. Whoever works on it has it until
    `leased_until`.

    Only while it runs: `person_pk`, the number of the row that goes; `known`, what to look for afterwards, encrypted;
    `spans`, the lowest and highest numbers of the rows gone, by table; `expected`, how many messages there were.
    `mentioned`: how many messages of other people held something of the person's right before the tombstone; null where
    it wasn't looked, or not to the end. `batch` is the job that many were asked for together by. Where a second admin is needed, nothing happens while the
    `approval` is waiting, and never once it is refused; `second` said so, at `decided_at`.
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
    checked = models.JSONField(null=True, blank=True)
    receipt = models.TextField(null=True, blank=True)
    is_confirmed = models.BooleanField(default=False, db_default=False)
    leased_until = models.DateTimeField(null=True, blank=True)
    person_pk = models.BigIntegerField(null=True, blank=True)
    known = models.TextField(null=True, blank=True)
    spans = models.JSONField(null=True, blank=True)
    expected = models.PositiveBigIntegerField(null=True, blank=True)
    mentioned = models.PositiveIntegerField(null=True, blank=True)
    batch = models.UUIDField(null=True, blank=True)
    approval = models.CharField(
        max_length=10, choices=Approval.choices, blank=True, default="", db_default=""
    )
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    second_name = models.CharField(max_length=254, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Two members of staff who press the button at once work on the same erasure.
            models.UniqueConstraint(
                fields=["person_hash"],
                condition=Q(rows_gone_at=None) & ~Q(approval="refused"),
                name="erasure_one_open_per_person",
            ),
            models.CheckConstraint(condition=Q(approval__in=Approval.values), name="erasure_approval_known"),
            models.CheckConstraint(condition=Q(reason__in=Reason.values), name="erasure_reason_known"),
        ]
        indexes = [
            models.Index(fields=["started_at"], name="erasure_unfinished", condition=Q(finished_at=None)),
            models.Index(fields=["-started_at", "-id"], name="erasure_newest"),
            models.Index(
                fields=["person_hash"], name="erasure_gone", condition=Q(rows_gone_at__isnull=False)
            ),
            models.Index(fields=["started_at"], name="erasure_asked", condition=Q(approval="waiting")),
            models.Index(
                fields=["batch", "finished_at"], name="erasure_batch", condition=Q(batch__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class HoldReason(models.TextChoices):
    """Why somebody's data must stay: what the law knows as reasons, as codes; or that a file said so, without why."""

    LEGAL_CLAIM = "legal_claim", _("Legal claims")
    AUTHORITY = "authority", _("An authority asked for it")
    DUTY = "duty", _("A duty by law to keep it")
    RESTRICTION = "restriction", _("They asked to keep it")
    IMPORTED = "imported", _("Held where they were imported from")


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


class RequestKind(models.TextChoices):
    """What a person may ask for."""

    ACCESS = "access", _("A copy of everything")
    ERASURE = "erasure", _("Erasure of everything")


class Proof(models.TextChoices):
    """What is known of whoever asked: that they read the address's mail, or that the site knows them as that person."""

    MAILBOX = "mailbox", _("They read that mailbox")
    SITE = "site", _("The site vouches for them")


class ClaimState(models.TextChoices):
    """What has become of one person's part of a request. Who was erased has none."""

    OPEN = "open", _("Open")
    HANDED_OVER = "handed_over", _("Handed over")
    REFUSED = "refused", _("Refused")
    NOTHING_HELD = "nothing_held", _("Nothing is held")
    EXPIRED = "expired", _("Expired")


class Refusal(models.TextChoices):
    """Why a request is refused, for one person. Codes only."""

    NOT_THEM = "not_them", _("Not the one who asked")
    DUPLICATE = "duplicate", _("Answered already")
    EXCESSIVE = "excessive", _("Unfounded or excessive")
    MUST_KEEP = "must_keep", _("The law says to keep it")
    WITHDRAWN = "withdrawn", _("They changed their mind")


def request_due() -> dt.datetime:
    """By when a request of today must be answered."""
    return timezone.now() + dt.timedelta(days=REQUEST_DAYS)


class Request(models.Model):
    """That somebody asked for their data or its erasure, when, and how that was proven: names nobody."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=RequestKind.choices)
    proof = models.CharField(max_length=10, choices=Proof.choices)
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RequestKind.values), name="request_kind_known"),
            models.CheckConstraint(condition=Q(proof__in=Proof.values), name="request_proof_known"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """By which it is called in tickets and the audit log."""
        return f"R-{self.id.hex[:12].upper()}"


def follow_join(collector: Any, field: Any, claims: Iterable[Any], using: str) -> None:
    """A claim goes along where its person is joined into another, and goes with them otherwise."""
    for claim in claims:
        joined = MergeJournal.objects.filter(merged_uuid=claim.chat_user.uuid).order_by("-pk").first()
        if joined is None:
            models.CASCADE(collector, field, Claim.objects.filter(pk=claim.pk), using)
        else:
            collector.add_field_update(field, joined.chat_user, [claim])


class Claim(models.Model):
    """A request's part about one person, or about nobody where nobody was known by the proven address.

    `email`: the proven address, to answer to; kept while it is open.
    """

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="claims")
    chat_user = models.ForeignKey(ChatUser, null=True, blank=True, on_delete=follow_join, related_name="+")
    email = models.CharField(max_length=EMAIL_CHARS, blank=True)
    state = models.CharField(max_length=12, choices=ClaimState.choices, default=ClaimState.OPEN)
    refusal = models.CharField(max_length=10, choices=Refusal.choices, blank=True)
    due_at = models.DateTimeField(default=request_due)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None)
                | Q(state__in=ClaimState.values, closed_at__isnull=False, email="") & ~Q(state="open"),
                name="claim_end_has_date_and_no_address",
            ),
            models.CheckConstraint(
                condition=Q(state="refused", refusal__in=Refusal.values)
                | ~Q(state="refused") & Q(refusal=""),
                name="claim_refusal_has_code",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="claim_open", condition=Q(state="open")),
            models.Index(
                fields=["-closed_at", "-id"], name="claim_closed", condition=Q(closed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"claim {self.pk}"

    @property
    def is_overdue(self) -> bool:
        """Whether it should have been answered by now."""
        return self.state == ClaimState.OPEN and self.due_at < timezone.now()


class ExportState(models.TextChoices):
    """What has become of an export of many people. A proposed one does nothing until somebody says so."""

    PROPOSED = "proposed", _("Not started")
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Ready")
    STOPPED = "stopped", _("Stopped")
    FAILED = "failed", _("Failed")
    GONE = "gone", _("Deleted")


class Export(models.Model):
    """An export of many people: who asked for it, how far it is, how long its file stays.

    `people` holds the ids of those whom it is of, packed, and is emptied at the end. Whoever writes it is its
    `holder` until `leased_until`. `is_stale`: somebody who is in the unfinished file was erased, so it is begun anew.
    `why` says as a code why it failed or is gone.
    """

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    account_name = models.CharField(max_length=254, blank=True)
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.PROPOSED)
    form = models.CharField(max_length=4, choices=[("json", "JSON"), ("csv", "CSV")], default="json")
    left_out = models.JSONField(default=list, blank=True)
    people = models.TextField(blank=True)
    total = models.PositiveIntegerField(default=0)
    messages = models.PositiveBigIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    why = models.CharField(max_length=40, blank=True)

    holder = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    is_stale = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_known"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="export_newest"),
            models.Index(fields=["account", "-created_at", "-id"], name="export_of_account"),
            models.Index(fields=["state", "expires_at"], name="export_by_state"),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def is_open(self) -> bool:
        """Somebody works on it, or will."""
        return self.state in (ExportState.WAITING, ExportState.RUNNING)


class ExportedPerson(models.Model):
    """Who is in the file of an export, by the keyed hash of staff/audit.py. Goes with the file."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="inside")
    person_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "person_hash"], name="exportedperson_once"),
        ]
        indexes = [models.Index(fields=["person_hash"], name="exportedperson_hash")]

    def __str__(self) -> str:
        return f"exported person {self.pk}"
