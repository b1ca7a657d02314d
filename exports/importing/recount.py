"""Counters, dates and whose turn it is, counted anew from the rows of one person."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, OuterRef, Q, Subquery

from chatadmin.lib.rows import save_rows
from conversations.models import Conversation, Message, Sender, Side
from users.models import ChatUser, Visit

TALKS = 500
SAID = ~Q(sender=Sender.SYSTEM)
TALK = ("unread_count", "turn", "started_at", "last_message_at")


COUNTED = ("message_count", "unread_count", "visit_count", "first_contact", "first_seen", "last_active")


def recount(person_id: int) -> list[str]:
    """Sets what the person's row and those of their conversations say of other rows. Returns the columns of theirs that
    changed; none for someone who was erased meanwhile, for whom it does nothing.
    """
    last = 0
    while (last := _recount_talks(person_id, last)) != 0:
        pass
    with transaction.atomic():
        person = ChatUser.objects.select_for_update().filter(pk=person_id, erased_at=None).first()
        if person is None:
            return []
        before = [getattr(person, name) for name in COUNTED]
        _recount_person(person)
    return [name for name, was in zip(COUNTED, before, strict=True) if getattr(person, name) != was]


def _recount_person(person: ChatUser) -> None:
    said = Message.objects.filter(chat_user=person.pk).aggregate(
        messages=Count("pk", filter=SAID),
        unread=Count("pk", filter=Q(sender=Sender.VISITOR, read_at=None)),
        first=Min("created_at", filter=SAID),
        last=Max("created_at", filter=Q(sender=Sender.VISITOR)),
    )
    visits = Visit.objects.filter(chat_user=person.pk).aggregate(
        visits=Count("pk"), first=Min("started_at"), last=Max("last_seen_at")
    )
    person.message_count, person.unread_count = said["messages"], said["unread"]
    person.visit_count, person.first_contact = visits["visits"], said["first"]
    person.first_seen = min(_known(person.first_seen, visits["first"]))
    person.last_active = max(_known(person.last_active, said["last"], visits["last"]), default=None)
    person.save(update_fields=COUNTED)


def _recount_talks(person_id: int, after: int) -> int:
    """The next TALKS conversations after that key, in one transaction. Returns the last one's key, 0 after the end."""
    last = Message.objects.filter(SAID, conversation=OuterRef("pk")).order_by("-created_at", "-pk")
    with transaction.atomic():
        ChatUser.objects.select_for_update().filter(pk=person_id).first()
        talks = Conversation.objects.filter(chat_user=person_id, pk__gt=after).order_by("pk")[:TALKS]
        counted = list(
            Conversation.objects.filter(pk__in=[talk.pk for talk in talks]).annotate(
                unread=Count("messages", filter=Q(messages__sender=Sender.VISITOR, messages__read_at=None)),
                first_at=Min("messages__created_at"),
                last_at=Max("messages__created_at", filter=~Q(messages__sender=Sender.SYSTEM)),
                last_sender=Subquery(last.values("sender")[:1]),
            )
        )
        for talk in counted:
            talk.unread_count = talk.unread
            talk.started_at = min(_known(talk.started_at, talk.first_at))
            talk.last_message_at = max(_known(talk.last_message_at, talk.last_at))
            if talk.last_sender:
                talk.turn = Side.STAFF if talk.last_sender == Sender.VISITOR else Side.VISITOR
        save_rows(counted, TALK)
    return max((talk.pk for talk in counted), default=0)


def _known(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]
