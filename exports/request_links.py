"""The link in the mail that answers a person's request: until it is confirmed, it is all that is kept of who asked.

It holds what was asked and by which address, encrypted and authenticated with a key made from SECRET_KEY, so that
neither a log nor a proxy that sees it learns the address. It proves that whoever opens it reads that mailbox, no more.
"""

from __future__ import annotations

import base64
import functools
import hmac
import uuid
from dataclasses import dataclass
from smtplib import SMTPDataError, SMTPNotSupportedError, SMTPRecipientsRefused

import msgspec
import structlog
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from chatadmin.lib.limits import Quota, limits
from exports.models import RequestKind
from users.mail_stops import address_hash

log = structlog.get_logger("chatadmin.mail")

VALID_SECONDS = 24 * 3600
TOKEN_CHARS = 1_500
# So often a day one mailbox is written to, whoever asks.
PER_MAILBOX = Quota(most=3, seconds=86_400)
# And so often for one network: who asks in somebody's name must leave them one of theirs.
PER_ASKER = Quota(most=2, seconds=86_400)


class Unreachable(Exception):
    """The mail server can't be reached: nothing was sent, to anybody."""


@dataclass(frozen=True)
class Asked:
    """What a link holds. `id` becomes the request's: a link that is confirmed twice makes one."""

    id: uuid.UUID
    kind: RequestKind
    email: str


class _Wire(msgspec.Struct, array_like=True):
    id: uuid.UUID
    kind: str
    email: str


@functools.cache
def _box(secret: str) -> Fernet:
    key = hmac.digest(secret.encode(), b"chatadmin privacy link", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


def token_of(asked: Asked) -> str:
    """What the link is made of. Each time another one."""
    packed = msgspec.json.encode(_Wire(asked.id, asked.kind.value, asked.email))
    return _box(settings.SECRET_KEY).encrypt(packed).decode().rstrip("=")


def asked_by(token: str) -> Asked | None:
    """What a link asks for; None where it isn't one of ours, or older than a day."""
    if len(token) > TOKEN_CHARS or not token.isascii():
        return None
    try:
        whole = token.encode() + b"=" * (-len(token) % 4)
        wire = msgspec.json.decode(_box(settings.SECRET_KEY).decrypt(whole, ttl=VALID_SECONDS), type=_Wire)
        return Asked(wire.id, RequestKind(wire.kind), wire.email)
    except (InvalidToken, msgspec.MsgspecError, ValueError):
        return None


def send_link(*, kind: str, email: str, asker: str = "") -> None:
    """Mails the link to that address, whether anybody here is known by it or not; nothing to one that had three today,
    or two for the same `asker`, who stands for a network ("": for none, as where the site asks).

    Raises Unreachable, and then it counts for nothing.
    """
    mailbox = address_hash(email)
    asked = [(f"privacy-mail:{mailbox}", PER_MAILBOX)]
    if asker:
        # First, so that one who is over it doesn't use up what the mailbox has.
        asked.insert(0, (f"privacy-mail:{mailbox}:{asker}", PER_ASKER))
    # One after the other: `all` ends with the first that is over.
    if not all(limits().count(key, quota) for key, quota in asked):
        return
    mail = _mail(Asked(uuid.uuid4(), RequestKind(kind), email))
    try:
        mail.send()
    except (SMTPRecipientsRefused, SMTPDataError, SMTPNotSupportedError, ValueError) as error:
        # What is wrong with that one address is not told to whoever gave it.
        log.warning("mail.refused", error=type(error).__name__)
    except OSError as error:
        for key, _quota in asked:
            limits().uncount(key)
        log.warning("mail.unreachable", error=type(error).__name__)
        raise Unreachable from None


def _mail(asked: Asked) -> EmailMessage:
    context = {
        "kind": asked.kind.value,
        "site": settings.PUBLIC_URL,
        "link": f"{settings.PUBLIC_URL}/privacy/confirm/{token_of(asked)}/",
    }
    body = render_to_string("exports/privacy_mail.txt", context)
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return EmailMessage(_("Please confirm your request"), body, to=[asked.email], headers=headers)
