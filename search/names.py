"""Finding people by name, e-mail address or id: a part of the folded form, each way by an index."""

from __future__ import annotations

import contextlib
import re
import uuid

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from chatadmin.lib.tokens import folded

# Both databases index three letters at a time; what is shorter is looked up as a beginning.
TRIGRAM_CHARS = 3
# SQLite gathers every match of an IN before it shows one: of more than so many, a walk meets the first ones sooner.
GATHERED = 1_000
LAST_CHARACTER = "\U0010ffff"
COLUMNS = {"name": ["name_folded"], "email": ["email_folded"], "any": ["name_folded", "email_folded"]}
_SHORT_ID = re.compile(r"([0-9a-f]{4})-?([0-9a-f]{4})", re.IGNORECASE)
_MATCHES = "SELECT rowid FROM users_chatuser_fts WHERE users_chatuser_fts MATCH %s"
_COUNTED = (
    "SELECT count(*) FROM (SELECT rowid FROM users_chatuser_fts WHERE users_chatuser_fts MATCH %s LIMIT %s)"
)


def matching(text: str, place: str) -> Q:
    """Who has `text` in name or address, whatever its case and accents; `place` is a key of COLUMNS.

    With `any` also whose uuid, short id or external id it is. On SQLite it asks how common the text is.
    """
    found = _ids(text.strip()) if place == "any" else Q(pk__in=[])
    phrase = folded(text)
    if phrase is None:
        return found
    held = _holds if len(phrase) >= TRIGRAM_CHARS else _begins
    return found | held(COLUMNS[place], phrase)


def _begins(columns: list[str], phrase: str) -> Q:
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__gte": phrase, f"{column}__lt": phrase + LAST_CHARACTER})
    return found


def _holds(columns: list[str], phrase: str) -> Q:
    if connection.vendor == "sqlite":
        quoted = phrase.replace('"', '""')
        wanted = f'{{{" ".join(columns)}}} : "{quoted}"'
        if not _is_common(wanted):
            return Q(pk__in=RawSQL(_MATCHES, [wanted]))  # noqa: S611 - the phrase is a parameter
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__contains": phrase})
    return found


def _is_common(wanted: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [wanted, GATHERED + 1])
        return bool(cursor.fetchone()[0] > GATHERED)


def _ids(text: str) -> Q:
    found = Q(external_id=text)
    short = _SHORT_ID.fullmatch(text)
    if short:
        digits = short[1] + short[2]
        found |= Q(uuid__gte=uuid.UUID(hex=digits + "0" * 24), uuid__lte=uuid.UUID(hex=digits + "f" * 24))
    with contextlib.suppress(ValueError):
        found |= Q(uuid=uuid.UUID(text))
    return found
