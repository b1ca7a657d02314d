"""Erasures as their pages show them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.known import EVERYTHING, FORMER, SHORT_ID, SHORT_NAME
from exports.models import Approval, Erasure
from exports.register import BY_NAME
from exports.residue import WHERE

PAGE_SIZE = 50

STATES = {
    "asked": gettext_lazy("Waits for a second admin"),
    "refused": gettext_lazy("Refused"),
    "waiting": gettext_lazy("Waiting"),
    "removing": gettext_lazy("Deleting"),
    "checking": gettext_lazy("Overwriting and checking"),
    "done": gettext_lazy("Done"),
    "left": gettext_lazy("Done; something is left"),
}
UNDECIDED: dict[str, str] = {Approval.WAITING.value: "asked", Approval.REFUSED.value: "refused"}
PLACES = {
    "search_index": gettext_lazy("search index"),
    "presence": gettext_lazy("who is here now"),
    "audit": gettext_lazy("audit log, which names them by a code only"),
    "jobs": gettext_lazy("jobs"),
    "sessions": gettext_lazy("sessions of the team"),
    "saved_views": gettext_lazy("words of saved views"),
    "memory": gettext_lazy("this server's memory: caches, limits, messages on their way"),
    "redis": gettext_lazy("Redis: caches, limits, channel layer"),
    "exports": gettext_lazy("lists of who is in which exported file"),
    "exported_files": gettext_lazy("exported files"),
    "logs": gettext_lazy("log files"),
}


@dataclass(frozen=True)
class Place:
    """Where was looked: its code, its name, how much was found (None: it couldn't be looked). `is_there`: whether there
    was such a place then."""

    code: str
    name: str
    found: int | None
    is_there: bool = True


@dataclass(frozen=True)
class Shown:
    """An erasure as its page and its row show it."""

    row: Erasure

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.row.approval in UNDECIDED:
            return UNDECIDED[self.row.approval]
        if self.row.finished_at is not None:
            return "left" if self.left else "done"
        if self.row.rows_gone_at is not None:
            return "checking"
        return "removing" if self.row.counts or self.row.leased_until else "waiting"

    @property
    def state_name(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    @property
    def is_open(self) -> bool:
        """Whether it is at work."""
        return self.row.finished_at is None and self.row.approval not in UNDECIDED

    @property
    def rows(self) -> int:
        """How many rows are gone."""
        return sum(self.row.counts.values())

    @property
    def messages(self) -> int:
        """How many messages are gone."""
        return int(self.row.counts.get("messages", 0))

    @property
    def expected(self) -> int:
        """How many messages there were; never less than are gone."""
        return max(self.row.expected or 0, self.messages, 1)

    @property
    def gone(self) -> list[tuple[str, int]]:
        """What went, by kind, in the register's order."""
        return [
            (str(BY_NAME[name].holds), self.row.counts[name]) for name in BY_NAME if name in self.row.counts
        ]

    @property
    def places(self) -> list[Place]:
        """Where was looked, in order."""
        checked = self.row.checked or {}
        looked = [Place(code, _place(code), checked[code]) for code in WHERE if code in checked]
        # Only this one can be missing: each other place is in every installation.
        missing = [Place("redis", _place("redis"), None, is_there=False)]
        return looked + (missing if checked and "redis" not in checked else [])

    @property
    def left(self) -> list[Place]:
        """Where something was found."""
        return [place for place in self.places if place.found]

    @property
    def unsought(self) -> list[str]:
        """What was not looked for, in words."""
        codes = json.loads(self.row.receipt).get("not_looked_for", []) if self.row.receipt else []
        return [str(UNSOUGHT[code]) for code in codes if code in UNSOUGHT]

    @property
    def unseen(self) -> list[Place]:
        """Where it couldn't be looked."""
        return [place for place in self.places if place.found is None and place.is_there]


def _place(code: str) -> str:
    table = code.removeprefix("table.")
    if table != code:
        return _("table: {what}").format(what=BY_NAME[table].holds)
    return str(PLACES[code])


UNSOUGHT = {
    FORMER: gettext_lazy("addresses and names that they had before"),
    SHORT_NAME: gettext_lazy("a name of one word or a few letters, but for saved views"),
    SHORT_ID: gettext_lazy(
        "an external id or number that is too short to mean only them, but for saved views"
    ),
    EVERYTHING: gettext_lazy("everything but the rows, for SECRET_KEY was changed meanwhile"),
}


@dataclass(frozen=True)
class Edge:
    """Where a page of the list ends: the time and id of its last erasure."""

    at: dt.datetime
    id: uuid.UUID

    @classmethod
    def of(cls, row: Erasure) -> Edge:
        """The edge at that row."""
        return cls(row.started_at, row.pk)

    @classmethod
    def read(cls, text: str) -> Edge:
        """From what `str` gives. Raises ValueError."""
        at, _, id_ = text.partition("_")
        micro = int(at)
        if not (at.isascii() and at.isdigit() and 0 <= micro < 2**53):
            raise ValueError("time")
        return cls(dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micro), uuid.UUID(id_))

    def __str__(self) -> str:
        micro = (self.at - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1)
        return f"{micro}_{self.id.hex}"


@dataclass(frozen=True)
class Erasures:
    """A page of the list, newest first, and the edges of its neighbours."""

    rows: Sequence[Shown]
    after: str = ""
    before: str = ""


def erasures(*, after: Edge | None = None, before: Edge | None = None) -> Erasures:
    """PAGE_SIZE erasures after or before an edge, else the newest."""
    backwards = before is not None and after is None
    edge = before if backwards else after
    op, order = ("gt", ("started_at", "pk")) if backwards else ("lt", ("-started_at", "-pk"))
    rows = Erasure.objects.order_by(*order)
    if edge is not None:
        # The first condition looks redundant; without it the planner can't seek into the index.
        further = Q(**{f"started_at__{op}": edge.at}) | Q(**{f"pk__{op}": edge.id})
        rows = rows.filter(further, **{f"started_at__{op}e": edge.at})
    found = list(rows[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if backwards:
        found.reverse()
    if not found:
        return Erasures([])
    has_after, has_before = (True, more) if backwards else (more, edge is not None)
    return Erasures(
        [Shown(row) for row in found],
        str(Edge.of(found[-1])) if has_after else "",
        str(Edge.of(found[0])) if has_before else "",
    )
