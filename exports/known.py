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
from exports.mentions import needles_of
from exports.models import Claim
from exports.numbers import Number
from staff import audit
from users.models import ChatUser

# Shorter ones are found everywhere, and so is a short number: it may be a year, a port, a count.
NAME_CHARS, MARK_CHARS, DIGITS = 6, 6, 9
WORD_CHARS, ALONE_CHARS = 3, 32
# What isn't looked for: what they were called and their addresses before, which nobody keeps; and what is too short.
FORMER, SHORT_NAME, SHORT_ID, EVERYTHING = "former", "short_name", "short_id", "everything"


class Known(msgspec.Struct, frozen=True):
    """`uuids`: their own first, then those of the visitors who were joined into them. `marks`: addresses, external
    ids and telephone numbers, which are nobody else's. `names`: full names, which others may have too. `words`: names
    and ids that mean something only where somebody searched for them. All of it folded to small letters.
    `unsought`: the codes of what is not looked for, or only there."""

    uuids: list[str]
    marks: list[str] = []
    names: list[str] = []
    words: list[str] = []
    unsought: list[str] = []

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
    asked_from: dict[int, list[str]] = {}
    claims = Claim.objects.filter(chat_user__in=[person.pk for person in people]).exclude(email="")
    for owner, email in claims.order_by("pk").values_list("chat_user", "email"):
        asked_from.setdefault(owner or 0, []).append(email)
    return [_known(person, joined.get(person.pk, []), asked_from.get(person.pk, [])) for person in people]


def _known(person: ChatUser, joined: list[tuple[uuid.UUID, Any]], asked_from: list[str]) -> Known:
    uuids = [str(person.uuid)]
    numbers = [needle.shape for needle in needles_of(person) if isinstance(needle.shape, Number)]
    phones = dict.fromkeys(text for number in numbers for text in (number.written, number.digits))
    marks: list[Any] = [person.email, person.external_id, *phones, *asked_from]
    names: list[Any] = [person.name]
    for merged, profile in joined:
        uuids.append(str(merged))
        said: dict[str, Any] = profile if isinstance(profile, dict) else {}
        marks.append(said.get("email"))
        names.append(said.get("name"))
    return _sorted(uuids, _folded(marks), _folded(names))


def _sorted(uuids: list[str], marks: list[str], names: list[str]) -> Known:
    short_marks = [mark for mark in marks if not _is_sure(mark)]
    short_names = [name for name in names if not _is_full(name)]
    words = [*short_names, *(mark for mark in short_marks if not mark.isdigit())]
    return Known(
        uuids,
        marks=[mark for mark in marks if _is_sure(mark)],
        names=[name for name in names if _is_full(name)],
        words=[word for word in words if len(word) >= WORD_CHARS],
        unsought=[FORMER, *[SHORT_NAME][: len(short_names)], *[SHORT_ID][: len(short_marks)]],
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


def stands_in(word: str, text: str) -> bool:
    """Whether a folded text has the word, and not merely within a longer one. So long ones as ids are nobody else's
    wherever they stand."""
    if len(word) >= ALONE_CHARS:
        return word in text
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        before, is_escape = text[max(0, at - 1) : at], _is_escape(text[max(0, at - 2) : at])
        is_end = not _go_together(word[-1], text[end : end + 1])
        if is_end and (is_escape or not _go_together(before, word[0])):
            return True
        at = text.find(word, at + 1)
    return False


def _go_together(left: str, right: str) -> bool:
    """Whether two letters are of one word. Scripts from U+2E80 on have no spaces between words."""
    return all((one.isalnum() or one == "_") and one < "\u2e80" for one in (left, right))


def _is_escape(pair: str) -> bool:
    """The end of a line or the like, as JSON writes it."""
    return len(pair) == 2 and pair[0] == "\\" and pair[1] in "nrtbf"


def _folded(texts: list[Any]) -> list[str]:
    # SQLite's JSON may hold half of a surrogate pair, which is in no file and can't be sealed.
    folded = [
        text.strip().casefold().encode(errors="replace").decode() for text in texts if isinstance(text, str)
    ]
    return list(dict.fromkeys(text for text in folded if text))


def _is_full(name: str) -> bool:
    return len(name) >= NAME_CHARS and bool(re.search(r"\S\s+\S", name))


def _is_sure(mark: str) -> bool:
    if mark.isdigit():
        return len(mark) >= DIGITS
    return "@" in mark or len(mark) >= MARK_CHARS


@functools.cache
def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"chatadmin erasure at work", "sha256"))
