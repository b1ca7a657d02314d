"""Reads of the user list: what the parameters ask for becomes one of few plans, each with an index and a budget."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from chatadmin.lib.budget import Budget
from chatadmin.lib.paging import Cursor
from conversations.models import Message
from search import listing, matches
from search.extent import id_bounds
from search.filters import UserFilters
from search.hits import Hit, HitCursor
from search.matches import Sought
from search.messages import HitPage, find_hits
from search.snippets import snippet
from search.walk import Walk
from users.models import ChatUser
from users.queries import living

PAGE_SIZE = 50
COUNTED = 1_000
# What one page may read, in seconds of the database's time. A small installation is read whole in a moment, and a
# busy or slow machine is no reason to show it in parts.
BUDGET_SECONDS = 0.038
# Without messages a page is soon found; what is found late is hard to go on with, and rare.
LIST_SECONDS = 0.1
NAMES_SECONDS = 0.06
SMALL_BUDGET_SECONDS = 3.0
# How long an installation's size is taken to stay what it was.
SIZE_SECONDS = 60
SMALL_PEOPLE, SMALL_MESSAGES = 50_000, 300_000
# Work on a whole search may take its time, but not for ever.
EVERYONE_SECONDS = 20.0


class TooMany(ValueError):
    """More people than were asked for."""


@dataclass(frozen=True)
class Found:
    """One page of people. `hits`: their newest matching messages, by person, where messages were searched.

    `after`, `before`: the cursors of the pages around it; `go_on`: the parameter and cursor with which the walk goes
    on where the time ran out.
    `total` people in all: exact where not `and_more`.
    """

    rows: list[ChatUser]
    hits: dict[int, Hit] = field(default_factory=dict)
    after: str | None = None
    before: str | None = None
    go_on: tuple[str, str] | None = None
    total: int = 0
    and_more: bool = False


@dataclass(frozen=True)
class Said:
    """A message that somebody was found by: a line of it, marked, and where it stands in their history."""

    message: Message
    line: SafeString
    address: str


def find(filters: UserFilters, budget: Budget | None = None) -> Found:
    """The page that `filters` asks for, within `budget` (by default: what the size of the installation allows)."""
    if filters.words is None:
        return _named(filters, budget or Budget(_seconds(LIST_SECONDS)))
    if filters.place == "messages":
        return _said(filters, budget or Budget(_seconds(BUDGET_SECONDS)))
    return _named_then_said(filters, budget)


def said(filters: UserFilters, found: Found) -> dict[int, Said]:
    """The messages by which people were found, by person: one query."""
    words = filters.words
    if words is None or not found.hits:
        return {}
    known = {person.pk: person for person in found.rows}
    ids = [hit.id for hit in found.hits.values() if hit.chat_user_id in known]
    messages = Message.objects.filter(pk__in=ids).only("chat_user_id", "body", "sender", "kind", "created_at")
    return {
        message.chat_user_id: Said(
            message,
            snippet(message.body, words),
            f"{known[message.chat_user_id].get_absolute_url()}conversations/?at={message.pk}",
        )
        for message in messages
    }


def every_id(filters: UserFilters, most: int) -> list[int]:
    """The ids of everyone whom `filters` finds. Raises TooMany past `most`, OverBudget."""
    budget = Budget(EVERYONE_SECONDS)
    found: dict[int, None] = {}
    for ids in _everyone(filters, most, budget):
        found |= dict.fromkeys(ids)
        if len(found) > most:
            raise TooMany
    return list(found)


def _everyone(filters: UserFilters, most: int, budget: Budget) -> Iterator[list[int]]:
    if filters.words is None or filters.place == "any":
        with budget.limit():
            yield list(filters.named.order_by().values_list("pk", flat=True)[: most + 1])
    if filters.words is not None and filters.words.terms:
        with budget.limit():
            bounds = id_bounds(*filters.sent)
        if bounds is not None:
            for hits in Walk(sought_by(filters), bounds, budget, is_whole=True).batches():
                yield [hit.chat_user_id for hit in hits]


def _seconds(seconds: float) -> float:
    return SMALL_BUDGET_SECONDS if is_small() else seconds


def is_small() -> bool:
    """Whether the installation is so small that everything is read in a moment."""
    return _is_small(int(time.monotonic() / SIZE_SECONDS))


@functools.lru_cache(maxsize=1)
def _is_small(_period: int) -> bool:
    newest, oldest = matches.newest_id() or 0, matches.oldest_id() or 0
    person = ChatUser.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return newest - oldest < SMALL_MESSAGES and person < SMALL_PEOPLE


def sought_by(
    filters: UserFilters, without: list[int] | None = None, but: QuerySet[ChatUser] | None = None
) -> Sought:
    """What `filters` looks for in messages, which is to be words; not by the people `without` or `but`."""
    assert filters.words is not None
    people = filters.qs if filters.is_filtered else None
    if but is not None:
        people = filters.qs.exclude(pk__in=but.values("pk"))
    sent_from, sent_to = filters.sent
    return Sought(filters.words, sent_from, sent_to, people, without or ())


def _named(filters: UserFilters, budget: Budget) -> Found:
    counted = listing.count(filters.sieve, most=COUNTED, budget=budget)
    part = _listed(filters, counted, budget, after=_of(filters.after), before=_of(filters.before))
    rows = list(part.page.rows)
    return Found(
        rows,
        after=part.page.after,
        before=part.page.before,
        go_on=_on(part.stopped, is_back=filters.before is not None),
        total=max(counted.total, len(rows)),
        and_more=counted.and_more,
    )


def _said(filters: UserFilters, budget: Budget) -> Found:
    found = _hits(sought_by(filters), PAGE_SIZE, budget, filters.after, filters.before)
    rows, hits = _people(found.hits)
    return Found(
        rows,
        hits,
        after=_text(found.after),
        before=_text(found.before),
        go_on=_on(found.stopped, is_back=filters.before is not None),
        total=found.total,
        and_more=found.and_more,
    )


def _named_then_said(filters: UserFilters, budget: Budget | None) -> Found:
    """First whose name, address or id the words are, in the list's order; then who said them."""
    for_names = Budget(_seconds(NAMES_SECONDS)) if budget is None else budget.part(budget.left / 2)
    budget = budget or Budget(_seconds(BUDGET_SECONDS))
    counted = listing.count(filters.sieve, most=COUNTED, budget=for_names)
    sought = sought_by(filters, counted.ids, None if counted.ids is not None else filters.named)
    after, before = filters.after, filters.before
    if isinstance(after, HitCursor) or isinstance(before, HitCursor):
        return _from_hits(filters, _hits(sought, PAGE_SIZE, budget, after, before), counted, for_names)
    part = _listed(filters, counted, for_names, after=_of(after), before=_of(before))
    rows = list(part.page.rows)
    is_last = part.page.after is None and part.stopped is None
    said = _hits(sought, PAGE_SIZE - len(rows) if is_last else 0, budget, has_grace=False)
    return _both(
        rows,
        said,
        counted,
        after=_text(said.after) if is_last else part.page.after,
        before=part.page.before,
        go_on=_on(said.stopped if is_last else part.stopped, is_back=before is not None),
    )


def _from_hits(filters: UserFilters, said: HitPage, counted: listing.Counted, for_names: Budget) -> Found:
    """A page among those who said it; the first of them is preceded by the last of those who are called so."""
    after, before, rows = said.after, _text(said.before), list[ChatUser]()
    edge = filters.before
    if isinstance(edge, HitCursor) and not (said.before or said.stopped):
        room = PAGE_SIZE - len(said.hits)
        # Without one of them on this page, the next begins with the first of them.
        after = after or HitCursor(edge.top, edge.top + 1)
        if room:
            part = _listed(filters, counted, for_names, size=room, before=filters.order.end)
            rows, before = list(part.page.rows), part.page.before
        elif counted.total:
            before = filters.order.end.encode()
    return _both(
        rows,
        said,
        counted,
        after=_text(after),
        before=before,
        go_on=_on(said.stopped, is_back=edge is not None),
    )


def _both(named: list[ChatUser], said: HitPage, counted: listing.Counted, **edges: Any) -> Found:
    rows, hits = _people(said.hits)
    total = max(counted.total, len(named)) + said.total
    return Found(
        named + rows,
        hits,
        total=min(total, COUNTED),
        and_more=counted.and_more or said.and_more or total > COUNTED,
        **edges,
    )


def _hits(
    sought: Sought,
    size: int,
    budget: Budget,
    after: Cursor | HitCursor | None = None,
    before: Cursor | HitCursor | None = None,
    *,
    has_grace: bool = True,
) -> HitPage:
    return find_hits(
        sought,
        size=size,
        most=COUNTED,
        budget=budget,
        after=after if isinstance(after, HitCursor) else None,
        before=before if isinstance(before, HitCursor) else None,
        has_grace=has_grace,
    )


def _listed(
    filters: UserFilters,
    counted: listing.Counted,
    budget: Budget,
    *,
    size: int | None = None,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> listing.Listed:
    return listing.listed(
        filters.sieve,
        counted,
        filters.order,
        size=size or PAGE_SIZE,
        budget=budget,
        after=after,
        before=before,
    )


def _people(hits: list[Hit]) -> tuple[list[ChatUser], dict[int, Hit]]:
    """Who said these, in the same order, and each one's hit."""
    by_person = {hit.chat_user_id: hit for hit in hits}
    known = living().in_bulk(by_person.keys())
    return [known[person] for person in by_person if person in known], by_person


def _of(cursor: Cursor | HitCursor | None) -> Cursor | None:
    return cursor if isinstance(cursor, Cursor) else None


def _text(cursor: Cursor | HitCursor | None) -> str | None:
    return cursor.encode() if cursor else None


def _on(cursor: Cursor | HitCursor | None, *, is_back: bool) -> tuple[str, str] | None:
    return ("before" if is_back else "after", cursor.encode()) if cursor else None
