"""Who works here: accounts, invitations, widgets, the audit log, and keys for programs."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from staff.permissions import Role, allows

# In a widget's allowed origins: the product's own address, whatever it is.
OWN_ORIGIN = "self"
# What a widget may collect about a visitor beyond what they write: `users.models.Collected` names and explains each.
COLLECTABLE = ("network", "referrer", "page_titles", "device")


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts. E-mail addresses are kept in lower case, so that each is there once."""

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(email=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: object) -> Account:
        """A new account; without a password nobody can sign in to it."""
        account = self.model(email=email.strip().lower(), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> Account:
        """The first admin of an installation, who may do everything."""
        return self.create_user(email, password, **{"role": Role.OWNER, **fields})


class Account(AbstractBaseUser):
    """A member of staff. The e-mail address is the name they sign in with."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.SUPPORT)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Counts what ended this account's sessions; each session knows the number that it began with.
    session_version = models.PositiveIntegerField(default=1, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[AccountManager] = AccountManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="account_email_lower_case"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="account_role_known"),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """What visitors and colleagues see: the name, or the first part of the address."""
        return self.name or self.email.partition("@")[0]

    def can(self, permission: str) -> bool:
        """Whether the role allows `permission`. Raises KeyError for one that does not exist."""
        return self.is_active and allows(self.role, permission)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django asks this for every session: one that began before the password, the role or the account's
        # being active changed is nobody's.
        bound = f"{self.password}:{self.role}:{self.is_active}:{self.session_version}"
        return salted_hmac("staff session", bound, secret=secret, algorithm="sha256").hexdigest()


class InvitationState(models.TextChoices):
    """What has become of an invitation; only an open one makes an account."""

    OPEN = "open", _("Open")
    ACCEPTED = "accepted", _("Accepted")
    REVOKED = "revoked", _("Revoked")
    EXPIRED = "expired", _("Expired")


class Invitation(models.Model):
    """A link that makes one account, once. Only the hash of the link's secret is kept."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.SUPPORT)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="invitation_newest")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def state(self) -> InvitationState:
        """What has become of it, as of now."""
        if self.accepted_at:
            return InvitationState.ACCEPTED
        if self.revoked_at:
            return InvitationState.REVOKED
        return InvitationState.OPEN if timezone.now() < self.expires_at else InvitationState.EXPIRED


def new_widget_key() -> str:
    """The public half of a widget: names it, proves nothing. Letters and digits, for it is typed after options."""
    return secrets.token_hex(10)


def new_identity_secret() -> str:
    """The secret half, with which a site signs who its visitor is."""
    return secrets.token_hex(32)


class PageSide(models.TextChoices):
    """The corner at the bottom of a page where the widget is."""

    RIGHT = "right", _("Right")
    LEFT = "left", _("Left")


def collect_all() -> list[str]:
    """What a new widget collects."""
    return list(COLLECTABLE)


class Widget(models.Model):
    """One place where the chat is embedded: its key, where it may be, what it says, and what it collects."""

    key = models.CharField(max_length=40, unique=True, default=new_widget_key)
    name = models.CharField(_("name"), max_length=100, default="Website")
    allowed_origins = models.JSONField(_("allowed origins"), default=list, blank=True)
    identity_secret = models.CharField(max_length=64, default=new_identity_secret)
    require_identity = models.BooleanField(_("require a signed identity"), default=False)
    title = models.CharField(_("title"), max_length=60, default="Chat with us")
    greeting = models.CharField(
        _("greeting"), max_length=300, default="Hello! What can we do for you?", blank=True
    )
    # What it says while nobody is here; empty for its own words.
    away = models.CharField(_("text while away"), max_length=120, default="", blank=True)
    accent = models.CharField(_("accent colour"), max_length=7, default="#3f5bd8")
    side = models.CharField(_("side"), max_length=5, choices=PageSide.choices, default=PageSide.RIGHT)
    ask_name = models.BooleanField(_("ask for a name"), default=True)
    ask_email = models.BooleanField(_("ask for an e-mail address"), default=True)
    collect = models.JSONField(_("what to collect"), default=collect_all, blank=True)
    mail_replies = models.BooleanField(_("mail unread replies"), default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(side__in=PageSide.values), name="widget_side_known"),
        ]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what to whom, and when. A person is named by keyed hash only, so that the line survives them."""

    at = models.DateTimeField(default=timezone.now)
    # Who has done something can be disabled, not deleted: the line could not be proven any more.
    actor = models.ForeignKey(Account, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=254, blank=True)
    verb = models.CharField(max_length=40)
    person_hash = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    # Its place in the chain and the link that proves it (staff/audit_chain.py); none until it is sealed.
    position = models.BigIntegerField(null=True, editable=False)
    link = models.CharField(max_length=64, null=True, editable=False)
    # That we recorded it (staff/audit_mac.py); none where something else wrote it, or before there were marks.
    nonce = models.CharField(max_length=32, null=True, editable=False)
    mac = models.CharField(max_length=64, null=True, editable=False)
    # Not ours, and therefore never sealed; NULL is no.
    is_refused = models.BooleanField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(
                fields=["person_hash", "-at", "-id"], name="audit_person", condition=~Q(person_hash="")
            ),
            models.Index(fields=["verb", "-at", "-id"], name="audit_verb"),
            models.Index(fields=["actor", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["actor", "verb", "-at", "-id"], name="audit_actor_verb"),
            models.Index(fields=["at", "id"], name="audit_unsealed", condition=Q(position=None)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["position"], name="audit_position", condition=Q(position__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.at:%Y-%m-%d %H:%M}"


class AuditChain(models.Model):
    """The end of the audit log's chain: one row, whose lock whoever seals or cuts holds."""

    seals = models.BigIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"seal {self.seals}, line {self.position}"


class AuditCheckpoint(models.Model):
    """Where the audit log begins after a cut: the last line that was cut off, its link, and our signature."""

    at = models.DateTimeField(default=timezone.now)
    before = models.DateTimeField()
    lines = models.BigIntegerField()
    position = models.BigIntegerField(unique=True)
    head = models.CharField(max_length=64)
    signature = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"cut up to line {self.position}"


class Scope(models.TextChoices):
    """What a key for programs opens."""

    EXPORT = "users:export", _("Export people")
    ERASE = "users:erase", _("Erase people")
    REQUESTS = "requests:write", _("File privacy requests")


class ApiKey(models.Model):
    """What a program shows to the HTTP API. Only the hash of it is kept; its prefix, which proves nothing, finds it."""

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=20, unique=True)
    key_hash = models.CharField(max_length=64)
    scopes = models.JSONField(_("what it opens"), default=list)
    made_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="api_key_newest")]

    def __str__(self) -> str:
        return self.prefix

    @property
    def display_name(self) -> str:
        """As the audit log names it."""
        return f"{self.name} ({self.prefix})"

    @property
    def scope_labels(self) -> list[str]:
        """What it opens, in words."""
        return [str(scope.label) for scope in Scope if scope.value in self.scopes]


class Policy(models.Model):
    """What holds for the whole installation: one row, which is there once somebody changed something."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    erasure_needs_second = models.BooleanField(_("deleting somebody needs a second admin"), default=False)
    # Who asked to switch that off, which needs a second admin, too.
    off_asked_by = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="policy_is_one_row")]

    def __str__(self) -> str:
        return "policy"
