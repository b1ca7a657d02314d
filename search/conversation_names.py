"""Conversations of the people whose name, address or id the words are, in the list's order."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from chatadmin.lib.budget import Budget, OverBudget
from chatadmin.lib.paging import Cursor
from conversations.models import Conversation
from search.conversation_walk import START, Edge, Kinds, Part, Way, heads, sort
from users.models import ChatUser

# The conversations of so few people are fetched by their people and sorted here. Of more, a page soon turns up on a
# walk along the list; unless all of them stand far down in it: then the walk goes on in pieces, and says how far it came.
PEOPLE = 2_000
FETCHED = 6_000
# Asked about more people at once, PostgreSQL reads all conversations rather than theirs.
CHUNK = 500
COLUMNS = ("pk", "last_message_at", "status", "turn", "unread_count")
PIECE = 4_000
# Parts of the budget: for who it is, for the walk, and for the number of all.
OWNERS, WALK, COUNT = 0.3, 0.6, 0.4


class Named:
    """The conversations of `people` that are of some kinds, as far as the budget goes.

    `owners`: who they are; None where these are too many to tell.
    """

    def __init__(self, people: QuerySet[ChatUser], kinds: Kinds, budget: Budget) -> None:
        self.people, self.kinds, self.budget = people, kinds, budget
        self.owners: list[int] | None = None
        self.all: list[Edge] | None = None
        with contextlib.suppress(OverBudget), budget.part(budget.left * OWNERS).limit():
            self._look_up()

    def _look_up(self) -> None:
        owners = list(self.people.order_by().values_list("pk", flat=True)[: PEOPLE + 1])
        if len(owners) > PEOPLE:
            return
        self.owners = owners
        rows: list[tuple[Any, ...]] = []
        for at in range(0, len(owners), CHUNK):
            # The kinds are looked at here: an index of kinds would lead through everybody's conversations.
            theirs = Conversation.objects.filter(chat_user__in=owners[at : at + CHUNK]).order_by()
            rows += theirs.values_list(*COLUMNS)[: FETCHED + 1]
            if len(rows) > FETCHED:
                return
        wanted = [row for row in rows if self.kinds.hold(*row[2:])]
        self.all = [Edge(unread > 0, Cursor(at, pk)) for pk, at, _status, _turn, unread in wanted]

    def part(self, way: Way) -> Part:
        """A part of them."""
        if self.all is not None:
            return sort(self.all, way)
        try:
            return self._walked(way)
        except OverBudget:
            return self._in_pieces(way)

    def _walked(self, way: Way) -> Part:
        with self.budget.part(self.budget.left * WALK).limit():
            _no_compiling()
            return way.part(heads(self.kinds, way, way.size + 1, self.people))

    def _in_pieces(self, way: Way) -> Part:
        """As many as the rest of the budget finds."""
        met: list[Edge] = []
        reached = way
        while len(met) <= way.size:
            try:
                with self.budget.limit():
                    piece = heads(self.kinds, reached, PIECE)
                    met += self._of_these(piece)
            except OverBudget:
                part = way.part(met)
                part.stopped = (reached.edge or START).encode()
                return part
            if len(piece) < PIECE:
                break
            reached = replace(reached, edge=piece[-1])
        return way.part(met)

    def _of_these(self, piece: list[Edge]) -> list[Edge]:
        looked_at = Conversation.objects.filter(pk__in=[edge.at.id for edge in piece])
        owners = dict(looked_at.values_list("pk", "chat_user_id"))
        found = self.people.filter(pk__in=set(owners.values()))
        named = set(found.order_by().values_list("pk", flat=True))
        return [edge for edge in piece if owners.get(edge.at.id) in named]

    def count(self, most: int) -> tuple[int, bool]:
        """How many they are, up to `most`, and whether there are or might be more."""
        if self.all is not None:
            return min(len(self.all), most), len(self.all) > most
        theirs = self.kinds.of(Conversation.objects.filter(chat_user__in=self.people.order_by().values("pk")))
        try:
            with self.budget.part(self.budget.left * COUNT).limit():
                total = theirs.order_by()[: most + 1].count()
        except OverBudget:
            return 0, True
        return min(total, most), total > most


def _no_compiling() -> None:
    # PostgreSQL takes the guess for a walk as a reason to compile it, which takes longer than the walk.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
