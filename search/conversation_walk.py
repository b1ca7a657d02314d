"""The order of the conversation list: the unread first, in either half the newest message first, ties by id.

A half has four kinds of conversations: whose turn it is, which status. Each kind is one range of an index
(conversations/models.py); a page merges the heads of the kinds that are asked for, and reads no conversation in vain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import OuterRef, Q, QuerySet, Subquery

from chatadmin.lib.paging import BadCursor, Cursor, Order, beyond
from conversations.models import Conversation, Side, Status
from users.models import ChatUser

ORDER = Order("last_message_at", descending=True, value_type=dt.datetime)
HALVES = {True: Q(unread_count__gt=0), False: Q(unread_count=0)}


@dataclass(frozen=True)
class Edge:
    """Where a conversation stands in the list: its half, and when its last message came."""

    is_unread: bool
    at: Cursor

    def encode(self) -> str:
        """URL-safe text that `decode` takes back."""
        return ("u" if self.is_unread else "r") + self.at.encode()

    @classmethod
    def decode(cls, text: str) -> Edge:
        """Raises BadCursor."""
        half, rest = text[:1], text[1:]
        if half not in ("u", "r"):
            raise BadCursor
        return cls(half == "u", ORDER.decode(rest))

    @property
    def key(self) -> tuple[bool, object, int]:
        """What comes first has the greater one."""
        return self.is_unread, self.at.value, self.at.id


# The ends of the list, where no conversation can stand.
START = Edge(True, Cursor(dt.datetime.max.replace(tzinfo=dt.UTC), 2**63 - 1))
END = Edge(False, Cursor(dt.datetime.min.replace(tzinfo=dt.UTC), -(2**63)))


@dataclass
class Part:
    """A part of a list: ids of conversations in order, and the cursors of its neighbours (None where there is none).

    `stopped`: where the time was up before the part was full; a search goes on from there.
    """

    ids: list[int] = field(default_factory=list)
    after: str | None = None
    before: str | None = None
    stopped: str | None = None


@dataclass(frozen=True)
class Way:
    """Which part is asked for: so many conversations after `edge` (or from the start), or before it."""

    size: int
    edge: Edge | None = None
    is_backwards: bool = False

    @property
    def order(self) -> Order:
        """The order in which they are met."""
        return replace(ORDER, descending=not self.is_backwards)

    def part(self, met: Sequence[Edge]) -> Part:
        """The part, of the conversations as they were met; one more than its size shows that there are others."""
        rows = list(met[: self.size])
        has_more, has_edge = len(met) > self.size, self.edge is not None
        if self.is_backwards:
            rows.reverse()
        if not rows:
            return Part()
        after, before = (has_edge, has_more) if self.is_backwards else (has_more, has_edge)
        return Part(
            [row.at.id for row in rows],
            rows[-1].encode() if after else None,
            rows[0].encode() if before else None,
        )


@dataclass(frozen=True)
class Kinds:
    """The kinds of conversations that are asked for; all of them, left as it is."""

    halves: tuple[bool, ...] = (True, False)
    turns: tuple[str, ...] = tuple(Side.values)
    statuses: tuple[str, ...] = tuple(Status.values)

    def parts(
        self, is_unread: bool, people: QuerySet[ChatUser] | None = None
    ) -> list[QuerySet[Conversation]]:
        """The conversations of one half, by kind: those of `people`, or of everyone living."""
        half = Conversation.objects.filter(HALVES[is_unread])
        if people is None:
            half = _of_the_living(half)
        else:
            # A comparison that no planner turns into a join: it looks at the owner of each conversation it comes by.
            owner = people.filter(pk=OuterRef("chat_user")).order_by().values("pk")[:1]
            half = half.filter(chat_user=Subquery(owner))
        return [half.filter(turn=turn, status=status) for turn in self.turns for status in self.statuses]

    def of(self, conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
        """Those of `conversations` that are of these kinds."""
        halves = Q()
        for is_unread in self.halves:
            halves |= HALVES[is_unread]
        return conversations.filter(halves, turn__in=self.turns, status__in=self.statuses)

    def hold(self, status: str, turn: str, unread: int) -> bool:
        """Whether a conversation is of one of these kinds."""
        return status in self.statuses and turn in self.turns and (unread > 0) in self.halves


def unread() -> QuerySet[Conversation]:
    """All conversations with unread messages, as the index has them.

    In no order, a planner reads the table until it meets enough of them.
    """
    return _of_the_living(Conversation.objects.filter(HALVES[True])).order_by("turn", "status")


def _of_the_living(half: QuerySet[Conversation]) -> QuerySet[Conversation]:
    # Asked once rather than for each conversation: hardly ever is anybody erased and not yet gone.
    return half.exclude(chat_user__in=ChatUser.objects.filter(erased_at__isnull=False))


def count(kinds: Kinds, most: int) -> int:
    """How many conversations are of these kinds, up to `most`: one query."""
    bare = [part.order_by().values("pk") for half in kinds.halves for part in kinds.parts(half)]
    return bare[0].union(*bare[1:], all=True)[:most].count()


def walk(kinds: Kinds, way: Way) -> Part:
    """The part of all conversations of these kinds: at most two queries."""
    return way.part(heads(kinds, way, way.size + 1))


def heads(kinds: Kinds, way: Way, wanted: int, people: QuerySet[ChatUser] | None = None) -> list[Edge]:
    """The first conversations on a way, of `people` or of everyone living: at most two queries."""
    halves = [False, True] if way.is_backwards else [True, False]
    if way.edge:
        halves = halves[halves.index(way.edge.is_unread) :]
    met: list[Edge] = []
    for half in halves:
        if len(met) >= wanted or half not in kinds.halves:
            continue
        parts = kinds.parts(half, people)
        if way.edge and way.edge.is_unread == half:
            past = beyond(ORDER.column, way.edge.at, way.order.descending)
            parts = [part.filter(past) for part in parts]
        rows = _merged(parts, way.order, wanted - len(met))
        met += [Edge(half, Cursor(at, pk)) for at, pk in rows]
    return met


def _merged(
    parts: list[QuerySet[Conversation]], order: Order, wanted: int
) -> Iterable[tuple[dt.datetime, int]]:
    names = [f"-{name}" if order.descending else name for name in (order.column, "pk")]
    if len(parts) > 1:
        # SQLite takes no limit inside a union but in a subquery.
        inner = [part.order_by(*names).values("pk")[:wanted] for part in parts]
        each = [Conversation.objects.filter(pk__in=pks).values_list(order.column, "pk") for pks in inner]
        return each[0].union(*each[1:], all=True).order_by(*names)[:wanted]
    return parts[0].order_by(*names).values_list(order.column, "pk")[:wanted]


def sort(edges: Iterable[Edge], way: Way) -> Part:
    """The part of a few conversations."""
    met = sorted(edges, key=lambda edge: edge.key, reverse=not way.is_backwards)
    if way.edge is not None:
        past = way.edge.key
        met = [edge for edge in met if (edge.key > past if way.is_backwards else edge.key < past)]
    return way.part(met)
