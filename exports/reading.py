"""Reads everything about one person in keyset chunks, by the columns of the register's resources.

Each chunk is a query of its own, up to the highest id that was there at the start: memory stays flat and no reader
stays open, however long the history and however slow the download.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from conversations.models import MergeJournal, Message
from exports.edges import beyond
from exports.register import BY_NAME, PERSON, Declared
from exports.resources import AccessResource, MessageResource, PersonalResource
from staff import audit
from staff.models import AuditEntry
from users.models import ChatUser

CHUNK_ROWS = 1_000
CHUNK_CONVERSATIONS = 200

Row = dict[str, Any]


class Reader:
    """Everything about one person, as it was when this was made. A row is a dict of its resource's columns."""

    def __init__(self, person: ChatUser, leave_out: Collection[str] = ()) -> None:
        self.person = person
        self.left_out = sorted(leave_out)
        self.rows_read = 0
        self.exported_at: dt.datetime = timezone.now()
        self.upto: dict[str, int | None] = {
            name: declared.rows_of(person.pk).aggregate(last=Max("pk"))["last"]
            for name, declared in BY_NAME.items()
            if declared.resource is not None
        }
        self.accesses_upto: int | None = self._accesses().aggregate(last=Max("pk"))["last"]

    def profile(self) -> Row:
        """What is known of the person themselves."""
        return next(as_rows(_resource(PERSON), [self.person]))

    def holds(self, name: str) -> bool:
        """Whether rows of that name go out."""
        return name not in self.left_out

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of one declared table, along its order."""
        declared = BY_NAME[name]
        return self._columns_of(declared, self._rows_of(declared), CHUNK_ROWS)

    def conversations(self) -> Iterator[tuple[Row, Iterator[Row]]]:
        """Each conversation with its messages, oldest first. Take a conversation's messages before the next one."""
        declared = BY_NAME["conversations"]
        walk = self._columns_of(declared, self._rows_of(declared), CHUNK_CONVERSATIONS)
        for batch in _batches(walk, CHUNK_CONVERSATIONS):
            spans = self._spans([row["id"] for row in batch])
            for row in batch:
                yield row, self._said_in(row["id"], spans.get(row["id"]))

    def accesses(self) -> Iterator[Row]:
        """Who looked at, changed or exported them, oldest first."""
        entries = self._accesses().filter(pk__lte=self.accesses_upto or 0)
        return self._walked(AccessResource(), entries, ("at", "pk"), CHUNK_ROWS)

    def _rows_of(self, declared: Declared) -> QuerySet[Any]:
        upto = self.upto[declared.name]
        resource = _resource(declared)
        rows = resource.get_queryset().filter(**{declared.path: self.person.pk})
        return resource.filter_export(rows.none() if upto is None else rows.filter(pk__lte=upto))

    def _columns_of(self, declared: Declared, rows: QuerySet[Any], size: int) -> Iterator[Row]:
        return self._walked(_resource(declared), rows, declared.order, size)

    def _walked(
        self,
        resource: PersonalResource,
        rows: QuerySet[Any],
        order: Sequence[str],
        size: int,
        columns: list[str] | None = None,
    ) -> Iterator[Row]:
        """`rows` along `order`, `size` a query: straight from the database, no instance is made."""
        headers, names = stored_columns(resource, columns)
        first, own = ("id" if name == "pk" else name for name in (order[0], "pk"))
        # None is asked for twice: a time takes SQLite's driver longer than all the rest of its row.
        asked = list(dict.fromkeys([*names, first, own]))
        at, key, many, last = asked.index(first), asked.index(own), len(names), None
        rows = rows.order_by(*order).values_list(*asked)
        while True:
            chunk = list(
                (rows if last is None else rows.filter(beyond(order[0], last[at], last[key])))[:size]
            )
            for row in chunk:
                yield dict(zip(headers, row[:many] if len(row) > many else row, strict=True))
            self.rows_read += len(chunk)
            if len(chunk) < size:
                return
            last = chunk[-1]

    def _spans(self, conversations: Sequence[int]) -> dict[int, tuple[dt.datetime, dt.datetime]]:
        spans = (
            Message.objects.filter(conversation__in=conversations)
            .order_by()
            .values_list("conversation")
            .annotate(first=Min("created_at"), last=Max("created_at"))
        )
        return {conversation: (first, last) for conversation, first, last in spans}

    def _said_in(self, conversation: int, span: tuple[dt.datetime, dt.datetime] | None) -> Iterator[Row]:
        if span is None:
            return iter(())
        # The span makes this a walk along the index of the person's history: no index has a conversation's order.
        resource = MessageResource()
        said = resource.get_queryset().filter(
            chat_user=self.person.pk,
            conversation=conversation,
            created_at__range=span,
            pk__lte=self.upto["messages"],
        )
        columns = [name for name in resource.get_export_order() if name != "conversation"]
        return self._walked(resource, said, BY_NAME["messages"].order, CHUNK_ROWS, columns)

    def _accesses(self) -> QuerySet[AuditEntry]:
        """The lines about the person and about the earlier visitors who were joined into them."""
        joined = MergeJournal.objects.filter(chat_user=self.person.pk, undone_at=None)
        return audit.entries_about(self.person.uuid, *joined.values_list("merged_uuid", flat=True))


def _resource(declared: Declared) -> PersonalResource:
    assert declared.resource is not None, declared.name
    return declared.resource()


def as_rows(
    resource: PersonalResource, instances: Iterable[Any], columns: list[str] | None = None
) -> Iterator[Row]:
    """The `columns` of a resource (None: all) of each of `instances`, by its headers."""
    headers = resource.get_export_headers(selected_fields=columns)
    for instance in resource.iter_queryset(instances):
        yield dict(zip(headers, resource.export_resource(instance, selected_fields=columns), strict=True))


def stored_columns(
    resource: PersonalResource, columns: list[str] | None = None
) -> tuple[list[str], list[str]]:
    """The headers of a resource's `columns` (None: all), and the database's names of their values."""
    names = columns if columns is not None else resource.get_export_order()
    fields = [resource.fields[name] for name in names]
    return [str(field.column_name) for field in fields], [str(field.attribute) for field in fields]


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
