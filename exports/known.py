"""What was known of a person at the tombstone, for looking afterwards whether anything of it is left anywhere.

Kept encrypted with a key made of SECRET_KEY, in the erasure's row, for as long as it runs.
"""

from __future__ import annotations

import base64
import functools
import hmac
import re
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from conversations.models import MergeJournal
from staff import audit
from users.models import ChatUser

# Shorter ones are found everywhere.
NAME_CHARS, ID_CHARS = 6, 4


class Known(msgspec.Struct, frozen=True):
    """`uuids`: their own first, then those of the visitors who were joined into them. `marks`: addresses and external
    ids, which are nobody else's. `names`: full names, which others may have too. All of it folded to small letters."""

    uuids: list[str]
    marks: list[str] = []
    names: list[str] = []

    @property
    def sure(self) -> list[str]:
        """What can only mean this person."""
        return [*self.uuids, *(name.replace("-", "") for name in self.uuids), *self.marks]

    @property
    def all(self) -> list[str]:
        """What means this person, and what may."""
        return [*self.sure, *self.names]

    @property
    def hashes(self) -> list[str]:
        """The keyed hashes by which audit log and ledger name them."""
        return [audit.person_hash(uuid.UUID(name)) for name in self.uuids]


def known_of(person: ChatUser) -> Known:
    """What is known of a person who isn't wiped yet."""
    return known_of_all([person])[0]


def known_of_all(people: Sequence[ChatUser]) -> list[Known]:
    """The same for each of `people`."""
    joined: dict[int, list[tuple[uuid.UUID, Any]]] = {}
    journal = MergeJournal.objects.filter(chat_user__in=[person.pk for person in people], undone_at=None)
    for pk, merged, profile in journal.order_by("pk").values_list("chat_user", "merged_uuid", "profile"):
        joined.setdefault(pk, []).append((merged, profile))
    return [_known(person, joined.get(person.pk, [])) for person in people]


def _known(person: ChatUser, joined: list[tuple[uuid.UUID, Any]]) -> Known:
    uuids = [str(person.uuid)]
    marks: list[Any] = [person.email, person.external_id]
    names: list[Any] = [person.name]
    for merged, profile in joined:
        uuids.append(str(merged))
        said: dict[str, Any] = profile if isinstance(profile, dict) else {}
        marks.append(said.get("email"))
        names.append(said.get("name"))
    return Known(
        uuids, _folded(marks, ID_CHARS), [name for name in _folded(names, NAME_CHARS) if _is_full(name)]
    )


def seal(known: Known) -> str:
    """The encrypted form."""
    return Fernet(_key(settings.SECRET_KEY)).encrypt(msgspec.json.encode(known)).decode()


def unseal(sealed: str | None) -> Known | None:
    """What was sealed; None where nothing was, or with another SECRET_KEY."""
    if not sealed:
        return None
    try:
        return msgspec.json.decode(Fernet(_key(settings.SECRET_KEY)).decrypt(sealed.encode()), type=Known)
    except (InvalidToken, msgspec.MsgspecError):
        return None


def _folded(texts: list[Any], least: int) -> list[str]:
    # SQLite's JSON may hold half of a surrogate pair, which is in no file and can't be sealed.
    folded = [
        text.strip().casefold().encode(errors="replace").decode() for text in texts if isinstance(text, str)
    ]
    return list(dict.fromkeys(text for text in folded if len(text) >= least))


def _is_full(name: str) -> bool:
    return bool(re.search(r"\S\s+\S", name))


@functools.cache
def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"chatadmin erasure at work", "sha256"))
