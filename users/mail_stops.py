"""Addresses that want no mail about replies. A stop is kept by the keyed hash of the address, so that it holds for
whoever gives that address, also after they were erased, and names nobody.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import unicodedata

from django.conf import settings
from django.core import signing

from users.models import MailStop

_SIGNER = functools.partial(signing.Signer, sep=".", salt="chatadmin.mail.stop")


@functools.cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin mail address", "sha256")


def address_hash(email: str) -> str:
    """The keyed hash of a mailbox: 64 hex digits. `Ann+shop@…` and `ann@…` are one."""
    local, _, host = unicodedata.normalize("NFKC", email).casefold().rpartition("@")
    mailbox = f"{local.partition('+')[0] or local}@{host}"
    return hmac.new(_key(settings.SECRET_KEY), mailbox.encode(), hashlib.sha256).hexdigest()


def stop_token(address: str) -> str:
    """What an address's link is made of, for ever the same: the hash and a signature, which nobody else can make."""
    text = base64.urlsafe_b64encode(bytes.fromhex(address)).decode().rstrip("=")
    return _SIGNER().sign(text)


def address_of(token: str) -> str | None:
    """The hash in a token; None where it isn't one of ours."""
    try:
        return base64.urlsafe_b64decode(f"{_SIGNER().unsign(token)}=").hex()
    except (signing.BadSignature, binascii.Error, ValueError):
        return None


def stop(address: str) -> None:
    """No mail about replies goes to that address (its hash) any more."""
    MailStop.objects.get_or_create(address_hash=address)


def resume(address: str) -> None:
    """Mails go to that address (its hash) again."""
    MailStop.objects.filter(address_hash=address).delete()


def is_stopped(address: str) -> bool:
    """Whether that address (its hash) wants no mail."""
    return MailStop.objects.filter(address_hash=address).exists()
