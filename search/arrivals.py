"""Who of those who moved belongs on a list: what an open page counts in place of letting its rows jump.

Somebody can be new to a list because the order brings them to its front, because they fit a filter now, or because
they said the words that it looks for. Only what can have done one of these is looked up at all.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils import timezone

from chatadmin.lib.budget import Budget, OverBudget
from conversations.models import Message
from search.filters import UserFilters
from search.queries import is_small
from users.queries import living

# What can happen to somebody, beside the names of fields that changed. A message to or from them is SAID, theirs is
# WROTE too, and any may have been the FIRST one.
CREATED, CAME, WROTE, SAID, FIRST = "created", "came", "wrote", "said", "first"
BY_ORDER = {
    "last_active": {CREATED, CAME, WROTE},
    "first_contact": {CREATED, FIRST},
    "messages": {CREATED, SAID},
    "name": {CREATED, "name"},
}
BY_FILTER = {
    "q": {"name", "email", "external_id"},
    "has_email": {"email"},
    "kind": {"name", "email", "external_id"},
    "active": {CAME, WROTE},
    "active_from": {CAME, WROTE},
    "active_to": {CAME, WROTE},
    "min_messages": {SAID},
    "first_from": {FIRST},
    "first_to": {FIRST},
    "tag": {"tags"},
    "vip": {"vip"},
    "online": {CAME},
    "repeat": {"visit"},
    "held": {"hold"},
}
# It was the first one, if somebody's first contact is no longer ago.
FIRST_SECONDS = 60
BUDGET_SECONDS = 0.1
# Where there is little to read, only a busy machine takes longer, and that is no reason to count nobody.
SMALL_BUDGET_SECONDS = 1.0
# So many messages of one person are looked into at a time.
MESSAGES_EACH = 10


@dataclass
class Moved:
    """What one person did: of the kinds above, with which messages, and when last, by the process's clock."""

    kinds: set[str] = field(default_factory=set)
    messages: list[int] = field(default_factory=list)
    at: float = 0.0

    def add(self, other: Moved) -> None:
        """Takes in what the same person did besides."""
        self.kinds |= other.kinds
        self.messages = [*self.messages, *other.messages][:MESSAGES_EACH]
        self.at = max(self.at, other.at)


@dataclass(frozen=True)
class Text:
    """A message's tokens, and when it was sent."""

    tokens: str
    sent_at: dt.datetime


@dataclass(frozen=True)
class Wanted:
    """What brings somebody to a list. `kinds`: what happens to them; `words`: whether it looks into messages."""

    kinds: frozenset[str]
    words: bool

    def among(self, moved: Mapping[str, Moved]) -> dict[str, Moved]:
        """Those of `moved` who may be new to the list."""
        return {
            name: one
            for name, one in moved.items()
            if one.kinds & self.kinds or (self.words and one.messages)
        }


@functools.lru_cache(maxsize=512)
def wanted(query: str) -> Wanted:
    """What brings somebody to the list of that query string; nothing, where it holds a mistake. Asks no database."""
    filters = _filters(query)
    if filters is None or filters.errors:
        return Wanted(frozenset(), words=False)
    words = filters.words is not None
    if words and filters.place == "messages":
        return Wanted(frozenset(), words=True)
    kinds = set(BY_ORDER[filters.sort.removeprefix("-")])
    for name, more in BY_FILTER.items():
        if filters.valid(name):
            kinds |= more
    return Wanted(frozenset(kinds), words)


def texts(messages: Iterable[int]) -> dict[int, Text]:
    """What these messages say: one query."""
    found = Message.objects.filter(pk__in=list(messages)).values_list("pk", "tokens", "created_at")
    return {pk: Text(tokens, sent_at) for pk, tokens, sent_at in found}


def arrived(query: str, moved: Mapping[str, Moved], said: Mapping[int, Text]) -> set[str]:
    """Those of `moved` (by uuid) whom the list of that query string shows, and who are new to it by what they did.

    `said`: their messages' texts, where it looks into messages. At most three bounded reads; nobody, where these take
    longer than their budget or the query holds a mistake. Days are those of the active time zone.
    """
    filters, kinds = _filters(query), wanted(query).kinds
    if filters is None or filters.errors or not moved:
        return set()
    by_row = [name for name, one in moved.items() if one.kinds & kinds]
    by_words = _speakers(filters, moved, said)
    found: set[str] = set()
    try:
        with Budget(SMALL_BUDGET_SECONDS if is_small() else BUDGET_SECONDS).limit():
            if by_row:
                people = filters.named.filter(uuid__in=by_row)
                known = people.order_by().values_list("uuid", "first_contact")
                found = {str(uuid) for uuid, first in known if _is_new(moved[str(uuid)].kinds & kinds, first)}
            if by_words - found:
                people = filters.qs.filter(uuid__in=by_words - found)
                found |= {str(uuid) for uuid in people.order_by().values_list("uuid", flat=True)}
    except OverBudget:
        return set()
    return found


def _filters(query: str) -> UserFilters | None:
    try:
        return UserFilters(QueryDict(query), queryset=living())
    except TooManyFieldsSent:
        return None


def _speakers(filters: UserFilters, moved: Mapping[str, Moved], said: Mapping[int, Text]) -> set[str]:
    """Those one of whose messages holds the words that are looked for, and was sent when it should be."""
    words = filters.words
    if words is None:
        return set()
    sent_from, sent_to = filters.sent
    matching = {
        pk
        for pk, text in said.items()
        if (sent_from is None or text.sent_at >= sent_from)
        and (sent_to is None or text.sent_at < sent_to)
        and words.match(text.tokens)
    }
    return {name for name, one in moved.items() if matching.intersection(one.messages)}


def _is_new(kinds: set[str], first_contact: dt.datetime | None) -> bool:
    """Whether what happened to somebody on the list, of what brings people there, did bring them."""
    if kinds - {FIRST}:
        return True
    recent = timezone.now() - dt.timedelta(seconds=FIRST_SECONDS)
    return first_contact is not None and first_contact >= recent
