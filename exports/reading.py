"""Reads everything about one person in chunks, by the columns of the register's resources, up to the highest id that
was there at the start."""

from __future__ import annotations

import datetime as dt
import itertools
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from chatadmin.lib.hints import unmapped
from conversations.models import Conversation, MergeJournal, Message
from exports.moments import as_exported
from exports.register import BY_NAME, PERSON, Declared
from exports.resources import AccessResource, MessageResource, PersonalResource
from exports.walking import Chunk, Row, Rows, index_of, stored_columns, walk
from staff import audit
from staff.models import AuditEntry
from users.models import ChatUser

CHUNK_ROWS = 2_000
CHUNK_CONVERSATIONS = 500


class Reader:
    """Everything about one person, as it was when this was made."""

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

    def rows(self, name: str) -> Rows:
        """The rows of one declared table, along its order."""
        declared = BY_NAME[name]
        headers, names = stored_columns(_resource(declared))
        rows = self._rows_of(declared)
        return Rows(headers, self._counted(walk(rows, names, declared.order, CHUNK_ROWS, index_of(declared))))

    def conversations(self) -> Iterator[tuple[Row, Rows]]:
        """Each conversation with its messages, oldest first. Take a conversation's messages before the next one."""
        declared = BY_NAME["conversations"]
        headers, names = stored_columns(_resource(declared))
        rows = self._rows_of(declared)
        for chunk in self._counted(
            walk(rows, names, declared.order, CHUNK_CONVERSATIONS, index_of(declared))
        ):
            ours = [dict(zip(headers, row, strict=True)) for row in chunk]
            sizes = _sizes([row["id"] for row in ours])
            for group in _groups(ours, sizes):
                yield from self._with_messages(group, sizes)

    def accesses(self) -> Rows:
        """Who looked at, changed or exported them, oldest first."""
        entries = self._accesses().filter(pk__lte=self.accesses_upto or 0)
        headers, names = stored_columns(AccessResource())
        return Rows(headers, self._counted(walk(entries, names, ("at", "pk"), CHUNK_ROWS)))

    def _rows_of(self, declared: Declared) -> QuerySet[Any]:
        upto = self.upto[declared.name]
        resource = _resource(declared)
        rows = resource.get_queryset().filter(**{declared.path: self.person.pk})
        return resource.filter_export(rows.none() if upto is None else rows.filter(pk__lte=upto))

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.rows_read += len(chunk)
            yield chunk

    def _with_messages(self, group: Sequence[Row], sizes: Mapping[int, int]) -> Iterator[tuple[Row, Rows]]:
        resource = MessageResource()
        columns = [name for name in resource.get_export_order() if name != "conversation"]
        headers, names = stored_columns(resource, columns)
        if sizes.get(group[0]["id"], 0) > CHUNK_ROWS:
            [alone] = group
            yield alone, Rows(headers, self._counted(self._said_in(alone["id"], names)))
            return
        said = self._said_in_all([row["id"] for row in group], names)
        for row in group:
            yield row, Rows(headers, self._counted(iter([said.get(row["id"], [])])))

    def _said_in_all(self, conversations: Sequence[int], names: Sequence[str]) -> dict[int, Chunk]:
        """What was said in each of several, all at once."""
        # By way of the conversations: by way of the person it would be a walk through all that they ever said.
        theirs = Conversation.objects.filter(pk__in=conversations, chat_user=self.person.pk).values("pk")
        rows = MessageResource().get_queryset().filter(conversation__in=theirs, pk__lte=self._last_message)
        ordered = rows.order_by("conversation_id", *BY_NAME["messages"].order)
        found = ordered.values_list("conversation_id", *(as_exported(rows, name) for name in names))
        grouped = itertools.groupby(found, operator.itemgetter(0))
        return {conversation: [row[1:] for row in said] for conversation, said in grouped}

    def _said_in(self, conversation: int, names: Sequence[str]) -> Iterator[Chunk]:
        """What was said in one that is long."""
        declared = BY_NAME["messages"]
        rows = self._rows_of(declared).filter(conversation=conversation)
        said = Message.objects.filter(conversation=conversation)
        unmapped()
        span = tuple(said.aggregate(Min("created_at"), Max("created_at")).values())
        if None in span:
            return iter(())
        # The span makes this a walk along the index of the person's history: no index has a conversation's order.
        rows = rows.filter(created_at__range=span)
        return walk(rows, names, declared.order, CHUNK_ROWS, index_of(declared))

    @property
    def _last_message(self) -> int:
        return self.upto["messages"] or 0

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


def _sizes(conversations: Sequence[int]) -> dict[int, int]:
    """How many messages there are in each, as the index of conversations alone tells."""
    said = Message.objects.filter(conversation__in=conversations).order_by()
    unmapped()
    return dict(said.values_list("conversation").annotate(size=Count("*")))


def _groups(conversations: Iterable[Row], sizes: Mapping[int, int]) -> Iterator[list[Row]]:
    """Those that together have a chunk of messages or less; one that has more is alone."""
    group: list[Row] = []
    together = 0
    for row in conversations:
        size = sizes.get(row["id"], 0)
        if group and together + size > CHUNK_ROWS:
            yield group
            group, together = [], 0
        group.append(row)
        together += size
    if group:
        yield group
