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
LAST_CHARACTER = "\U0010ffff"
COLUMNS = {"name": ["name_folded"], "email": ["email_folded"], "any": ["name_folded", "email_folded"]}
_SHORT_ID = re.compile(r"([0-9a-f]{4})-?([0-9a-f]{4})", re.IGNORECASE)


def matching(text: str, place: str) -> Q:
    """Who has `text` in name or address, whatever its case and accents; `place` is a key of COLUMNS.

    With `any` also whose uuid, short id or external id it is.
    """
    phrase = folded(text)
    found = _ids(text.strip()) if place == "any" else Q(pk__in=[])
    if phrase is not None:
        for column in COLUMNS[place]:
            found |= _holds(column, phrase) if len(phrase) >= TRIGRAM_CHARS else _begins(column, phrase)
    return found


def _begins(column: str, phrase: str) -> Q:
    return Q(**{f"{column}__gte": phrase, f"{column}__lt": phrase + LAST_CHARACTER})


def _holds(column: str, phrase: str) -> Q:
    if connection.vendor != "sqlite":
        return Q(**{f"{column}__contains": phrase})
    quoted = phrase.replace('"', '""')
    sql = "SELECT rowid FROM users_chatuser_fts WHERE users_chatuser_fts MATCH %s"
    return Q(pk__in=RawSQL(sql, [f'{{{column}}} : "{quoted}"']))  # noqa: S611 - the phrase is a parameter


def _ids(text: str) -> Q:
    found = Q(external_id=text)
    short = _SHORT_ID.fullmatch(text)
    if short:
        digits = short[1] + short[2]
        found |= Q(uuid__gte=uuid.UUID(hex=digits + "0" * 24), uuid__lte=uuid.UUID(hex=digits + "f" * 24))
    with contextlib.suppress(ValueError):
        found |= Q(uuid=uuid.UUID(text))
    return found
