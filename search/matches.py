"""Messages that hold the words, newest first: the few statements that message search is made of, for each database.

PostgreSQL's index gives the messages of a word in no order, so it is asked bucket by bucket of 2^18 ids, newest
bucket first, and stops where enough is found. Frequent words are found sooner by reading the newest messages one
after another. FTS5 gives them newest first by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from conversations.models import Conversation
from search.hits import Hit
from search.words import Words
from users.models import ChatUser

BUCKET_BITS = 18
# As the index has it (conversations/migrations/0004): the words, and each longer one's beginnings with a mark.
INDEXED = (
    "array_to_tsvector(array_remove(string_to_array(regexp_replace(' ' || m.tokens || ' ',"
    " ' (([^ ]{5})([^ ]{2})?[^ ]*)(?= )', ' \\1 ^\\2 ^\\2\\3', 'g'), ' '), ''))"
)
PADDED = "(' ' || m.tokens || ' ')"
DIGITS = "regexp_replace(m.tokens, '[^0-9]+', '', 'g')"
COLUMNS = "m.id, m.chat_user_id, m.conversation_id"
ERASED_AT_ONCE = 100
ERASED = "SELECT id FROM users_chatuser WHERE erased_at IS NOT NULL"

Params = list[Any]


@dataclass(frozen=True)
class Sought:
    """What is looked for: the words, when they were sent, and by whom. `people`: None for everyone living.
    `conversations`: None for any.

    `each`: the column of a match that is met once, with its newest match: its person or its conversation.
    """

    words: Words
    sent_from: Any = None
    sent_to: Any = None
    people: QuerySet[ChatUser] | None = None
    without: Collection[int] = ()
    conversations: QuerySet[Conversation] | None = None
    each: Literal["chat_user_id", "conversation_id"] = "chat_user_id"

    def key(self, hit: Hit) -> int:
        """Whom or what a match belongs to."""
        return hit.chat_user_id if self.each == "chat_user_id" else hit.conversation_id


def rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def wanted(sought: Sought, hits: Sequence[Hit]) -> list[Hit]:
    """Those of `hits` whose person, and conversation, is sought."""
    people = {hit.chat_user_id for hit in hits}
    kept = people - _erased(people) if sought.people is None else _pks(sought.people, people)
    found = [hit for hit in hits if hit.chat_user_id in kept]
    if sought.conversations is not None:
        kept = _pks(sought.conversations, {hit.conversation_id for hit in found})
        found = [hit for hit in found if hit.conversation_id in kept]
    return found


def _erased(people: set[int]) -> set[int]:
    """Those of `people` who are being erased: so few that they are asked for rather than everybody looked up."""
    erased = ChatUser.objects.filter(erased_at__isnull=False)
    few = list(erased.order_by().values_list("pk", flat=True)[: ERASED_AT_ONCE + 1])
    return set(few) if len(few) <= ERASED_AT_ONCE else _pks(erased, people)


def _pks(queryset: QuerySet[Any], ids: set[int]) -> set[int]:
    return set(queryset.filter(pk__in=ids).order_by().values_list("pk", flat=True)) if ids else set()


def newest_id() -> int | None:
    """The highest message id; None without messages."""
    return rows("SELECT max(id) FROM conversations_message", [])[0][0]


def oldest_id() -> int | None:
    """The lowest message id; None without messages."""
    return rows("SELECT min(id) FROM conversations_message", [])[0][0]


def nth_below(below: int, count: int) -> int | None:
    """The id of the message that is so many under `below`; None where there are fewer."""
    found = rows(
        "SELECT id FROM conversations_message WHERE id < %s ORDER BY id DESC LIMIT 1 OFFSET %s",
        [below, count - 1],
    )
    return found[0][0] if found else None


def read(sought: Sought, *, low: int, below: int) -> list[Hit]:
    """Anybody's matches with `low` <= id < `below`, newest first, by reading every message between."""
    where, params = _where(sought, needles=sought.words.terms)
    sql = f"SELECT {COLUMNS} FROM conversations_message m WHERE m.id >= %s AND m.id < %s{where} ORDER BY m.id DESC"
    return [Hit(*row) for row in rows(sql, [low, below, *params])]


def newest(sought: Sought, *, low: int, below: int, limit: int, is_rare: bool) -> list[Hit]:
    """Anybody's newest `limit` matches with `low` <= id < `below`, newest first, by the index.

    `is_rare`: few are expected, so that all may be fetched at once.
    """
    sql, params = _indexed(sought, low, below, limit, "DESC", is_rare)
    return [Hit(*row) for row in rows(sql, params)]


def oldest(sought: Sought, *, low: int, below: int, limit: int) -> list[Hit]:
    """Anybody's oldest `limit` matches with `low` <= id < `below`, oldest first, by the index."""
    sql, params = _indexed(sought, low, below, limit, "ASC")
    return [Hit(*row) for row in rows(sql, params)]


def count(sought: Sought, *, low: int, below: int, limit: int, is_rare: bool) -> tuple[int, int]:
    """How many people (or conversations) any `limit` of the matches with `low` <= id < `below` belong to, and how many
    matches those are."""
    sql, params = _indexed(sought, low, below, limit, None, is_rare, only_wanted=True)
    grouped = f"SELECT {sought.each}, count(*) AS said FROM ({sql}) counted GROUP BY {sought.each}"
    groups, said = rows(f"SELECT count(*), coalesce(sum(said), 0) FROM ({grouped}) groups", params)[0]
    return groups, int(said)


def estimated(sought: Sought) -> int:
    """How many matches there are everywhere, going by what PostgreSQL knows of the commonest thousand words."""
    sql = f"EXPLAIN (FORMAT JSON) SELECT 1 FROM conversations_message m WHERE {INDEXED} @@ %s::tsquery"
    plan = rows(sql, [sought.words.tsquery()])[0][0]
    return int(plan[0]["Plan"]["Plan Rows"])


def all_in(sought: Sought, *, low: int, below: int, most: int) -> set[int] | None:
    """Whom or what anybody's matches with `low` <= id < `below` belong to; None where these are more than `most`."""
    sql, params = _indexed(sought, low, below, most + 1, None)
    found = rows(f"SELECT {sought.each} FROM ({sql}) found", params)
    return {each for (each,) in found} if len(found) <= most else None


def of_each(sought: Sought, ids: Sequence[int], *, low: int, below: int) -> list[Hit]:
    """The newest match with `low` <= id < `below` of each of the people (or conversations) `ids`, in no order, by their
    own histories."""
    where, params = _where(sought, needles=sought.words.terms)
    inner = (
        f"SELECT {COLUMNS} FROM conversations_message m WHERE m.{sought.each} = {{own}} AND m.id >= %s AND m.id < %s"
        f"{where} ORDER BY m.id DESC LIMIT 1"
    )
    bounds = [low, below, *params]
    if connection.vendor == "postgresql":
        lateral = inner.format(own="own.id")
        sql = f"SELECT hit.* FROM unnest(%s::bigint[]) AS own(id) CROSS JOIN LATERAL ({lateral}) hit"
        return [Hit(*row) for row in rows(sql, [list(ids), *bounds])]
    single = inner.format(own="%s")
    return [Hit(*row) for own in ids for row in rows(single, [own, *bounds])]


# -- the pieces


def _where(sought: Sought, *, needles: Sequence[Any], only_wanted: bool = False) -> tuple[str, Params]:
    """Conditions on a message `m`, each after an AND, cheap ones first. `only_wanted`: of those who are sought."""
    parts: list[str] = []
    params: Params = []
    finds = "strpos" if connection.vendor == "postgresql" else "instr"
    for term in needles:
        parts.append(f"{finds}({PADDED}, %s) > 0")
        params.append(term.needle)
    if connection.vendor == "postgresql" and sought.words.digits:
        parts.append(f"strpos({DIGITS}, %s) > 0")
        params.append(sought.words.digits)
    for column, moment in ((">=", sought.sent_from), ("<", sought.sent_to)):
        if moment is not None:
            parts.append(f"m.created_at {column} %s")
            params.append(connection.ops.adapt_datetimefield_value(moment))
    if sought.without:
        parts.append(f"m.chat_user_id NOT IN ({', '.join(['%s'] * len(sought.without))})")
        params += sought.without
    if only_wanted:
        for sql, more in _filters(sought):
            parts.append(sql)
            params += more
    return "".join(f" AND {part}" for part in parts), params


def _filters(sought: Sought) -> Iterator[tuple[str, Params]]:
    if sought.people is None:
        yield f"m.chat_user_id NOT IN ({ERASED})", []
    else:
        yield _held(sought.people, "m.chat_user_id")
    if sought.conversations is not None:
        yield _held(sought.conversations, "m.conversation_id")


def _held(queryset: QuerySet[Any], column: str) -> tuple[str, Params]:
    """That a message's `column` is one of `queryset`."""
    same = f"{queryset.model._meta.db_table}.id = {column}"
    own = queryset.order_by().extra(where=[same]).values("pk")  # noqa: S610 - names of ours
    try:
        sql, params = own.query.sql_with_params()
    except EmptyResultSet:
        return "1 = 0", []
    # OFFSET keeps the planner from turning it round: for each match its person, not for each person their matches.
    fence = " OFFSET 0" if connection.vendor == "postgresql" else ""
    return f"EXISTS ({sql}{fence})", list(params)


def _indexed(
    sought: Sought,
    low: int,
    below: int,
    limit: int,
    way: str | None,
    is_rare: bool = False,
    *,
    only_wanted: bool = False,
) -> tuple[str, Params]:
    order = f" ORDER BY m.id {way}" if way else ""
    if connection.vendor == "postgresql":
        inner, params = _in_gin(sought, low, below, limit, order, only_wanted)
        if is_rare:
            return inner.replace("{bucket}", ""), params
        bucket = f"(m.id >> {BUCKET_BITS})::int = bucket.number AND "
        first, last, step = low >> BUCKET_BITS, (below - 1) >> BUCKET_BITS, 1
        if way == "DESC":
            first, last, step = last, first, -1
        sql = (
            f"SELECT hit.* FROM generate_series(%s, %s, {step}) AS bucket(number)"
            f" CROSS JOIN LATERAL ({inner.replace('{bucket}', bucket)}) hit LIMIT %s"
        )
        return sql, [first, last, *params, limit]
    unsure = [term for term in sought.words.terms if not term.is_indexed]
    where, params = _where(sought, needles=unsure, only_wanted=only_wanted)
    # CROSS JOIN keeps SQLite from walking the messages and asking the index for each.
    sql = (
        f"SELECT {COLUMNS} FROM conversations_message_fts f CROSS JOIN conversations_message m ON m.id = f.rowid"
        f" WHERE conversations_message_fts MATCH %s AND f.rowid >= %s AND f.rowid < %s{where}"
        f"{order.replace('m.id', 'f.rowid')} LIMIT %s"
    )
    return sql, [sought.words.match_expression(), low, below, *params, limit]


def _in_gin(
    sought: Sought, low: int, below: int, limit: int, order: str, only_wanted: bool
) -> tuple[str, Params]:
    # The index holds no positions either.
    unsure = [term for term in sought.words.terms if len(term.tokens) > 1 or not term.is_indexed]
    where, params = _where(sought, needles=unsure, only_wanted=only_wanted)
    queries = sought.words.tsqueries()
    # `+ 0`: the ids' own index must not be taken instead.
    sql = (
        f"SELECT {COLUMNS} FROM conversations_message m WHERE {{bucket}}{INDEXED} @@ {{query}}::tsquery"
        f" AND m.id + 0 >= %s AND m.id + 0 < %s{where}{order.replace('m.id', 'm.id + 0')} LIMIT %s"
    )
    if len(queries) == 1:
        return sql.replace("{query}", "%s"), [*queries, low, below, *params, limit]
    # Looking up hundreds in one tsquery seems dearer to PostgreSQL than reading all messages, which takes 0.1 ms each.
    sql = (
        "SELECT DISTINCT m.* FROM unnest(%s::text[]) AS one(query)"
        f" CROSS JOIN LATERAL ({sql.replace('{query}', 'one.query')}) m{order} LIMIT %s"
    )
    return sql, [queries, low, below, *params, limit, limit]
