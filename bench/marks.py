"""The mark that a finished data set bears in its own database: what it was made of, and the words to look for."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Max

from bench.places import NOW, SEED, Size
from chatadmin.lib.tokens import tokens
from conversations.demo.speech import languages
from conversations.models import Message, Sender
from users.models import ChatUser

TABLE = "bench_dataset"
# Eighteen languages have no word in a fifth of all messages; where staff sign what they write, real chats do.
SIGNATURE = "Northpine customer care"
LOOKED_AT = 2_000


@dataclass(frozen=True)
class Mark:
    """How the data were made. `spoken` is a digest of what the demo says and of how tokens() cuts it."""

    people: int
    messages: int
    seed: int
    spoken: str
    now: str
    signature: str = SIGNATURE
    rows: int = 0
    is_complete: bool = False
    terms: dict[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> dt.datetime:
        """When the year of history ends."""
        return dt.datetime.fromisoformat(self.now)

    def serves(self, wanted: Mark) -> bool:
        """Whether data with this mark are whole and as good as those that are `wanted`."""
        mine, theirs = ((m.people, m.messages, m.seed, m.spoken) for m in (self, wanted))
        return self.is_complete and mine == theirs


def wanted(size: Size) -> Mark:
    """The mark that data of that size would bear, before they are there."""
    return Mark(size.people, size.messages, SEED, spoken(), NOW.isoformat())


def spoken() -> str:
    """A digest that changes where the demo's talks or the cutting of tokens do."""
    said = hashlib.sha256()
    for language in languages().values():
        for talk in [*language.talks, language.bot, language.nudges, language.late]:
            for line in talk:
                said.update(f"{line.text}\n{tokens(line.text)}\n".encode())
    return said.hexdigest()[:16]


def read() -> Mark | None:
    """The database's mark; None where it has none."""
    if TABLE not in connection.introspection.table_names():
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT mark FROM {TABLE}")  # noqa: S608
        row = cursor.fetchone()
    return Mark(**json.loads(row[0])) if row else None


def write(mark: Mark) -> None:
    """Marks the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (mark text)")
        cursor.execute(f"DELETE FROM {TABLE}")  # noqa: S608
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s)", [json.dumps(asdict(mark))])  # noqa: S608


def state(size: Size) -> str:
    """What the database holds: `ready`, `empty`, `stale` (ours, but broken off or of another making) or `foreign`."""
    mark = read()
    if mark is not None:
        return "ready" if mark.serves(wanted(size)) else "stale"
    tables = set(connection.introspection.table_names())
    return "foreign" if tables & {model._meta.db_table for model in apps.get_models()} else "empty"


class NotOurs(Exception):
    """The data are not what the benchmark would have made; says why."""


def adopt(size: Size) -> Mark:
    """Marks data that `manage.py demo` loaded by hand, after a look at them. Raises NotOurs."""
    people = ChatUser.objects.count()
    rows = Message.objects.count()
    messages = Message.objects.exclude(sender=Sender.SYSTEM).count()
    if (people, messages) != (size.people, size.messages):
        raise NotOurs(f"{people:,} people and {messages:,} messages are there")
    newest = Message.objects.exclude(sender=Sender.SYSTEM).order_by("-pk")[:LOOKED_AT]
    if any(tokens(body) != cut for body, cut in newest.values_list("body", "tokens")):
        raise NotOurs("its messages were cut into words by other rules than today's")
    last = ChatUser.objects.aggregate(at=Max("last_active"))["at"]
    is_signed = Message.objects.filter(pk__in=newest.values("pk"), body__endswith=SIGNATURE).exists()
    made = wanted(size)
    mark = Mark(
        made.people,
        made.messages,
        made.seed,
        made.spoken,
        last.isoformat(),
        signature=SIGNATURE if is_signed else "",
        rows=rows,
        is_complete=True,
    )
    write(mark)
    return mark
