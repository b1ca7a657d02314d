"""Keys for programs: made, looked up, revoked. A key is `ck_`, eight hex digits that name it, `_`, and 64 that prove it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chatadmin.lib.paging import Cursor, Order, Page, page
from staff import audit
from staff.models import Account, ApiKey, Scope

MAY_MAKE = "keys.manage"
PAGE_SIZE = 50
NEWEST = Order("created_at", descending=True, value_type=dt.datetime)
# How exactly it is known when a key was used last: not a write for each request.
USE_SECONDS = 60
_FORM = re.compile(r"(ck_[0-9a-f]{8})_[0-9a-f]{64}", re.ASCII)


def make_key(*, actor: Account, name: str, scopes: Sequence[str]) -> tuple[ApiKey, str]:
    """Makes a key that opens `scopes`. Returns it and the key itself, which is kept nowhere.

    Raises ValueError for a scope that there isn't, or none at all.
    """
    if not scopes or not set(scopes) <= set(Scope.values):
        raise ValueError("scopes")
    prefix = f"ck_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_hex(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name, prefix=prefix, key_hash=_hash(text), scopes=sorted(set(scopes)), made_by=actor
        )
        audit.record(actor=actor, verb="api_key.made", detail={"key": key.prefix, "scopes": key.scopes})
    return key, text


def revoke_key(*, actor: Account, key_id: int) -> ApiKey:
    """Makes a key useless from now on; one that is revoked stays so. Raises ApiKey.DoesNotExist."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            audit.record(actor=actor, verb="api_key.revoked", detail={"key": key.prefix})
    return key


def revoke_keys_of(account: Account, *, actor: Account) -> None:
    """Makes the keys useless that `account` made: whoever may make none any more may have kept what they show.

    To be called in the transaction that takes that from the account.
    """
    keys = list(ApiKey.objects.select_for_update().filter(made_by=account, revoked_at=None).order_by("pk"))
    ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(revoked_at=timezone.now())
    lines = [audit.entry(actor=actor, verb="api_key.revoked", detail={"key": key.prefix}) for key in keys]
    audit.record_entries(lines)


def key_of(text: str) -> ApiKey | None:
    """The key that `text` is, its use noted; None where it is none, a revoked one, or one of somebody who may make
    none now."""
    form = _FORM.fullmatch(text)
    keys = ApiKey.objects.select_related("made_by").filter(revoked_at=None)
    key = keys.filter(prefix=form[1]).first() if form else None
    if key is None or not hmac.compare_digest(key.key_hash, _hash(text)):
        return None
    if key.made_by is not None and not key.made_by.can(MAY_MAKE):
        return None
    _note_use(key)
    return key


def keys_page(*, after: Cursor | None = None, before: Cursor | None = None) -> Page[ApiKey]:
    """A page of all keys, newest first."""
    return page(ApiKey.objects.select_related("made_by"), NEWEST, size=PAGE_SIZE, after=after, before=before)


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    stale = now - dt.timedelta(seconds=USE_SECONDS)
    if key.last_used_at is None or key.last_used_at < stale:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=stale)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def _hash(text: str) -> str:
    """Plain SHA-256: nobody guesses 256 random bits, however quick the hash."""
    return hashlib.sha256(text.encode()).hexdigest()
