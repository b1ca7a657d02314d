"""Reads of the conversation list: what the parameters ask for becomes one of few plans, each with an index or a budget."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatadmin.lib.budget import Budget, OverBudget
from conversations.models import Conversation
from search.conversation_filters import ConversationFilters
from search.conversation_names import Named
from search.conversation_walk import END, Edge, Kinds, Part, Way, count, walk
from search.hits import MOST_ID, HitCursor
from search.matches import Sought
from search.messages import HitPage, find_hits
from search.names import matching
from search.queries import SMALL_BUDGET_SECONDS, is_small
from users.queries import living

PAGE_SIZE = 50
COUNTED = 1_000
SECONDS = 0.5
# Of which counting may take so much.
COUNT_SECONDS = 0.1
# Of which the names may take so much where messages are searched as well.
NAMES = 0.6
# So many people can be left out one by one.
LEFT_OUT = 1_000


@dataclass(frozen=True)
class Found:
    """One page of the list, by the ids of its conversations in order. `hits`: the newest matching messages of those that
    were found by what was said, by conversation.

    `after`, `before`: the cursors of the pages around it; `go_on`: the parameter and cursor with which the search goes
    on where the time was up. `total` conversations in all: exact where not `and_more`.
    """

    ids: list[int]
    hits: dict[int, int] = field(default_factory=dict)
    after: str | None = None
    before: str | None = None
    go_on: tuple[str, str] | None = None
    total: int = 0
    and_more: bool = False


def find(filters: ConversationFilters) -> Found:
    """The page that `filters` asks for. Without words, three queries at most; with words, within a time."""
    if not filters.text:
        total = count(filters.kinds, COUNTED + 1)
        return _found(filters, walk(filters.kinds, _way(filters)), HitPage(), total, total > COUNTED)
    budget = Budget(SMALL_BUDGET_SECONDS if is_small() else SECONDS)
    if filters.place == "messages":
        said = _hits(filters, _sought(filters), PAGE_SIZE, budget)
        return _found(filters, Part(), said, said.total, said.and_more)
    people = living().filter(matching(filters.text, filters.place))
    if filters.words is None:
        named = Named(people, filters.kinds, budget)
        part = named.part(_way(filters))
        total, and_more = named.count(COUNTED)
        return _found(filters, part, HitPage(), max(total, len(part.ids)), and_more)
    return _named_then_said(filters, Named(people, filters.kinds, budget.part(budget.left * NAMES)), budget)


def _named_then_said(filters: ConversationFilters, named: Named, budget: Budget) -> Found:
    """First the conversations of those whose name, address or id the words are; then those in which they were said."""
    sought = _sought(filters, named)
    after, before = filters.after, filters.before
    part, said = Part(), HitPage()
    if isinstance(after, HitCursor):
        said = _hits(filters, sought, PAGE_SIZE, budget)
    elif isinstance(before, HitCursor):
        said = _hits(filters, sought, PAGE_SIZE, budget)
        if not (said.before or said.stopped):
            part = _above(named, said, before)
    else:
        part = named.part(_way(filters))
        is_last = not (part.after or part.stopped)
        said = _hits(filters, sought, PAGE_SIZE - len(part.ids) if is_last else 0, budget)
        if not is_last:
            said = HitPage(total=said.total, and_more=said.and_more)
    total, and_more = named.count(COUNTED)
    total = max(total, len(part.ids)) + said.total
    return _found(filters, part, said, total, and_more or said.and_more or total > COUNTED)


def _above(named: Named, said: HitPage, before: HitCursor) -> Part:
    """What fills a page at whose top the first match stands: the last of those found by name."""
    room = PAGE_SIZE - len(said.hits)
    part = named.part(Way(max(room, 1), END, is_backwards=True))
    if not room:
        said.before = HitCursor(before.top, said.hits[0].id) if part.ids else None
        return Part()
    # The page after it begins among the matches.
    said.after = said.after or HitCursor(before.top, before.top + 1)
    part.after = None
    return part


def _sought(filters: ConversationFilters, named: Named | None = None) -> Sought:
    assert filters.words is not None
    is_any = filters.kinds == Kinds()
    few = named.owners if named and named.owners and len(named.owners) <= LEFT_OUT else []
    is_many = named is not None and (named.owners is None or len(named.owners) > LEFT_OUT)
    sent_from, sent_to = filters.sent
    return Sought(
        filters.words,
        sent_from,
        sent_to,
        people=living().exclude(pk__in=named.people.values("pk")) if named and is_many else None,
        without=few,
        conversations=None if is_any else filters.kinds.of(Conversation.objects.all()),
        each="conversation_id",
    )


def _hits(filters: ConversationFilters, sought: Sought, size: int, budget: Budget) -> HitPage:
    after = filters.after if isinstance(filters.after, HitCursor) else None
    before = filters.before if isinstance(filters.before, HitCursor) else None
    try:
        return find_hits(
            sought,
            size=size,
            most=COUNTED,
            budget=budget,
            after=after,
            before=before,
            count_seconds=COUNT_SECONDS,
        )
    except OverBudget:
        return HitPage(stopped=after or before or HitCursor(MOST_ID - 1, MOST_ID), and_more=True)


def _way(filters: ConversationFilters) -> Way:
    edge = filters.after or filters.before
    return Way(PAGE_SIZE, edge if isinstance(edge, Edge) else None, is_backwards=filters.before is not None)


def _found(filters: ConversationFilters, part: Part, said: HitPage, total: int, and_more: bool) -> Found:
    stopped = part.stopped or _text(said.stopped)
    by_conversation = {hit.conversation_id: hit.id for hit in said.hits}
    return Found(
        [*part.ids, *by_conversation],
        by_conversation,
        after=part.after or _text(said.after),
        before=part.before if part.ids else _text(said.before),
        go_on=("before" if filters.before else "after", stopped) if stopped else None,
        total=min(total, COUNTED),
        and_more=and_more,
    )


def _text(cursor: HitCursor | None) -> str | None:
    return cursor.encode() if cursor else None
