"""Who someone is: checks a signed identity and the claims beside it, and finds the person a hello belongs to."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.tokens import folded
from conversations.actions import Gone, locked_person, record_event
from conversations.mailing import REST
from conversations.merging import merge
from conversations.models import EventKind
from staff.models import Widget
from users.models import EXTERNAL_ID_CHARS, NAME_CHARS, ChatUser, VisitorToken
from users.text import EMAIL_CHARS, email_address
from widget.frames import FrameError

TOKEN_CHARS = 200
TRAITS_BYTES = 4_096
TRAITS_KEYS = 50
TRAITS_DEPTH = 6
ATTEMPTS = 4
# Up to here a number is the same in JSON, in Python and in both databases.
EXACT = 2**53
FOLDED_CHARS = {"name": 4 * NAME_CHARS, "email": 4 * EMAIL_CHARS}


class IdentityRefused(Exception):
    """The signature is missing, wrong or out of date."""


@dataclass(frozen=True)
class Claims:
    """What somebody says of themselves: only the fields they named; None clears."""

    fields: dict[str, str] = field(default_factory=dict)
    traits: dict[str, Any] | None = None


@dataclass(frozen=True)
class Identity:
    """A checked identity: its external id is vouched for, its claims are not."""

    external_id: str
    claims: Claims


def has_controls(text: str) -> bool:
    """Whether `text` holds control characters, or halves of a character, which no database takes."""
    return any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)


def claims_of(raw: dict[str, Any]) -> Claims:
    """Checked claims out of `name`, `email` and `traits`. Raises FrameError `invalid` naming the field."""
    fields: dict[str, str] = {}
    if "name" in raw:
        fields["name"] = _name(raw["name"])
    if "email" in raw:
        fields["email"] = _email(raw["email"])
    traits = raw.get("traits")
    if traits is not None:
        _check_traits(traits)
    return Claims(fields, traits)


def _name(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > NAME_CHARS or has_controls(value):
        raise FrameError("invalid", f"name: text of at most {NAME_CHARS} characters without controls")
    # A name of invisible characters alone would show as nothing at all.
    return value.strip() if folded(value) else ""


def _email(value: object) -> str:
    if value is None or value == "":
        return ""
    try:
        if isinstance(value, str) and len(value) <= EMAIL_CHARS:
            return email_address(value.strip())
    except ValidationError:
        pass
    raise FrameError("invalid", "email: not an e-mail address")


def _check_traits(traits: object) -> None:
    if not isinstance(traits, dict) or len(traits) > TRAITS_KEYS:
        raise FrameError("invalid", f"traits: an object of at most {TRAITS_KEYS} keys")
    if not _is_plain(traits, TRAITS_DEPTH):
        raise FrameError("invalid", f"traits: JSON, {TRAITS_DEPTH} deep at most, no NUL, no huge fractions")
    if len(msgspec.json.encode(traits)) > TRAITS_BYTES:
        raise FrameError("invalid", f"traits: at most {TRAITS_BYTES} bytes of JSON")


def _is_plain(value: object, depth: int) -> bool:
    """Whether `value` is JSON that both databases keep as it is, no deeper than `depth`."""
    if isinstance(value, dict):
        inner: list[object] = [*value, *value.values()]
    elif isinstance(value, list):
        inner = value
    elif isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    else:
        # PostgreSQL gives 1e300 back as a whole number of 301 digits.
        return value is None or isinstance(value, int) or (isinstance(value, float) and abs(value) <= EXACT)
    return depth > 0 and all(_is_plain(part, depth - 1) for part in inner)


def check(widget: Widget, raw: dict[str, Any], now: float | None = None) -> Identity:
    """The identity in `raw`, if `widget`'s secret has signed it.

    `hash` is HMAC-SHA256 in hex of the external id, or of `external_id + "\\n" + expires`. Raises FrameError
    `invalid` for an external id that can't be one or claims that aren't text, IdentityRefused for the signature.
    """
    external_id = raw.get("external_id")
    if (
        not isinstance(external_id, str)
        or not 1 <= len(external_id) <= EXTERNAL_ID_CHARS
        or has_controls(external_id)
    ):
        raise FrameError("invalid", f"external_id: 1 to {EXTERNAL_ID_CHARS} characters without controls")
    signed = external_id
    expires = raw.get("expires")
    if expires is not None:
        if isinstance(expires, str) and expires.isascii() and expires.isdigit() and len(expires) < 20:
            expires = int(expires)
        if type(expires) is not int or abs(expires) > EXACT:
            raise IdentityRefused
        signed = f"{external_id}\n{expires}"
    expected = hmac.new(widget.identity_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    given = raw.get("hash")
    given_bytes = given.lower().encode(errors="replace") if isinstance(given, str) else b""
    if not hmac.compare_digest(expected.encode(), given_bytes):
        raise IdentityRefused
    if expires is not None and expires < (time.time() if now is None else now):
        raise IdentityRefused
    return Identity(external_id, claims_of(raw))


def checked(given: Iterable[tuple[Widget, dict[str, Any] | None]]) -> list[Identity | Exception | None]:
    """`check` for each that gives one, or what it raises."""
    found: list[Identity | Exception | None] = []
    for widget, raw in given:
        try:
            found.append(check(widget, raw) if raw is not None else None)
        except (FrameError, IdentityRefused) as error:
            found.append(error)
    return found


def apply_claims(person: ChatUser, claims: Claims, *, vouched: bool = False) -> list[str]:
    """Puts claims on the person's row, which the caller has locked; `vouched`: its external id is new.

    Returns the fields that changed.
    """
    changed = ["external_id"] if vouched else []
    for name, value in claims.fields.items():
        if getattr(person, name) != value:
            setattr(person, name, value)
            setattr(person, f"{name}_folded", folded(value, FOLDED_CHARS[name]))
            changed.append(name)
    if claims.traits is not None and claims.traits != person.traits:
        person.traits = claims.traits
        changed.append("traits")
    if not changed:
        return changed
    if "email" in changed and person.mail_again_at is not None:
        # Another mailbox need not wait until the old one may be tried again; no more often than once an hour either.
        person.mail_again_at = min(person.mail_again_at, timezone.now() + REST)
    if person.is_anonymous:
        person.identified_at = None
    else:
        person.identified_at = person.identified_at or timezone.now()
    person.save()
    if any(getattr(person, name) for name in changed):
        record_event(person=person, kind=EventKind.IDENTIFIED, data={"fields": changed})
    announce(Event("user.changed", str(person.uuid), {"fields": changed}))
    return changed


def token_hash(token: str) -> str:
    """What is kept of a visitor's token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def people_of_tokens(tokens: Iterable[str | None]) -> dict[str, ChatUser]:
    """The living person whose browser holds each of these tokens, by token; nobody's are left out."""
    hashes = {token_hash(token): token for token in tokens if token and len(token) <= TOKEN_CHARS}
    if not hashes:
        return {}
    known = VisitorToken.objects.filter(token_hash__in=list(hashes), chat_user__erased_at=None)
    return {hashes[row.token_hash]: row.chat_user for row in known.select_related("chat_user")}


def people_of_ids(external_ids: Iterable[str]) -> dict[str, ChatUser]:
    """The living person of each of these external ids; those that nobody has are left out."""
    wanted = set(external_ids)
    known = ChatUser.objects.filter(external_id__in=wanted, erased_at=None) if wanted else ()
    return {str(person.external_id): person for person in known}


def is_settled(identity: Identity, visitor: ChatUser | None, person: ChatUser | None) -> bool:
    """Whether `person` has that external id, nobody to be joined to them, and all that is claimed: there is nothing to
    write."""
    if person is None or person.verified_at is None:
        return False
    if visitor is not None and visitor.external_id is None:
        return False
    claims = identity.claims
    return all(getattr(person, name) == value for name, value in claims.fields.items()) and (
        claims.traits is None or claims.traits == person.traits
    )


def new_tokens(people: Sequence[ChatUser]) -> list[str]:
    """A fresh token for each of `people`; it is shown once."""
    tokens = [secrets.token_urlsafe(32) for _ in people]
    VisitorToken.objects.bulk_create(
        VisitorToken(chat_user=person, token_hash=token_hash(token))
        for person, token in zip(people, tokens, strict=True)
    )
    return tokens


def person_of_identity(identity: Identity, visitor: ChatUser | None) -> ChatUser:
    """The person of that external id, made where there is none; `visitor` is joined to them if they never had one.

    Tried again where somebody else made, joined or erased one of the two in between.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _settle(identity, visitor)
        except (IntegrityError, Gone):
            if attempt == ATTEMPTS - 1:
                raise
            if visitor is not None:
                visitor = ChatUser.objects.filter(pk=visitor.pk, erased_at=None).first()
    raise Gone


def _settle(identity: Identity, visitor: ChatUser | None) -> ChatUser:
    target = ChatUser.objects.filter(external_id=identity.external_id, erased_at=None).first()
    nameless = visitor if visitor is not None and visitor.external_id is None else None
    if target is not None and nameless is not None and nameless.pk != target.pk:
        target = merge(source_id=nameless.pk, target_id=target.pk)
    with transaction.atomic():
        if target is None and nameless is None:
            person = ChatUser(uuid=uuid.uuid4(), last_active=timezone.now())
            created = True
        else:
            person = locked_person((target or nameless).pk)  # type: ignore[union-attr]
            created = False
        if person.external_id is not None and person.external_id != identity.external_id:
            raise Gone
        vouched = person.external_id is None
        person.external_id = identity.external_id
        person.verified_at = person.verified_at or timezone.now()
        person.save()
        apply_claims(person, identity.claims, vouched=vouched)
        if created:
            announce(Event("user.created", str(person.uuid)))
    return person
