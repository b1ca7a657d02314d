"""Finding people by name, e-mail address or id: a substring of the folded form, each way by an index."""

from __future__ import annotations

import contextlib
import re
import uuid

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from chatadmin.lib.tokens import folded

# Both databases index three letters at a time; shorter words are looked up as beginnings.
TRIGRAM_CHARS = 3
LAST_CHARACTER = "\U0010ffff"
_SHORT_ID = re.compile(r"([0-9a-f]{4})-?([0-9a-f]{4})", re.IGNORECASE)
COLUMNS = {"name": ["name_folded"], "email": ["email_folded"], "any": ["name_folded", "email_folded"]}


def matching(text: str, scope: str) -> Q:
    """People whose name or address holds every word of `text`; with scope `any` also those of that id."""
    phrase = folded(text)
    found = Q(pk__in=[])
    if phrase is not None:
        for column in COLUMNS[scope]:
            found |= _in_column(column, phrase)
    return found | _ids(text.strip()) if scope == "any" else found


def _in_column(column: str, phrase: str) -> Q:
    words = phrase.split()
    if all(len(word) >= TRIGRAM_CHARS for word in words):
        every = Q()
        for word in words:
            every &= _holds(column, word)
        return every
    if len(phrase) >= TRIGRAM_CHARS:
        return _holds(column, phrase)
    return Q(**{f"{column}__gte": phrase, f"{column}__lt": phrase + LAST_CHARACTER})


def _holds(column: str, part: str) -> Q:
    if connection.vendor != "sqlite":
        return Q(**{f"{column}__contains": part})
    quoted = part.replace('"', '""')
    sql = "SELECT rowid FROM users_chatuser_fts WHERE users_chatuser_fts MATCH %s"
    return Q(pk__in=RawSQL(sql, [f'{{{column}}} : "{quoted}"']))  # noqa: S611 (no text of ours or theirs is in the SQL)


def _ids(text: str) -> Q:
    found = Q(external_id=text)
    short = _SHORT_ID.fullmatch(text)
    if short:
        first = uuid.UUID(hex=short[1] + short[2] + "0" * 24)
        last = uuid.UUID(hex=short[1] + short[2] + "f" * 24)
        found |= Q(uuid__gte=first, uuid__lte=last)
    with contextlib.suppress(ValueError):
        found |= Q(uuid=uuid.UUID(text))
    return found
