"""What is due by a retention rule: one query for each kind of data, along an index of its own. Nothing that is held."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from chatadmin.lib.hints import by_index
from conversations.models import ActivityEvent, Message
from exports.models import Claim, ClaimState
from exports.retention_models import What, Whose
from staff.models import AuditEntry
from users.models import ChatUser, Visit

_UNKNOWN = {"name": "", "email": "", "external_id": None}


def free(whose: str, prefix: str = "") -> Q:
    """Living people of that kind whom no hold keeps; `prefix` leads from another table to the person."""
    found = Q(**{f"{prefix}erased_at": None, f"{prefix}held_at": None})
    unknown = Q(**{f"{prefix}{name}": value for name, value in _UNKNOWN.items()})
    if whose == Whose.ANONYMOUS:
        return found & unknown
    return found & ~unknown if whose == Whose.IDENTIFIED else found


def _unasked() -> QuerySet[ChatUser]:
    """Those of whom nobody waits for an answer: a claim would go with its person, and the address to answer to."""
    claims = Claim.objects.filter(chat_user=OuterRef("pk"), state=ClaimState.OPEN)
    return ChatUser.objects.filter(~Exists(claims))


def inactive(whose: str, before: dt.datetime) -> QuerySet[ChatUser]:
    """People who were last active before that moment, or came before it and never were, in no order."""
    long_ago = Q(last_active__lt=before) | Q(last_active=None, first_seen__lt=before)
    return _unasked().filter(free(whose), long_ago)


def inactive_walks(whose: str, before: dt.datetime) -> list[QuerySet[ChatUser]]:
    """The same people to walk through: those who were active, longest ago first, then the others by when they came."""
    people = _unasked().filter(free(whose))
    walks = [
        people.filter(last_active__lt=before).order_by("last_active", "pk"),
        people.filter(last_active=None, first_seen__lt=before).order_by("last_active", "pk"),
    ]
    return [by_index(walk, "chatuser_last_active") for walk in walks]


def talkers(whose: str, before: dt.datetime) -> QuerySet[ChatUser]:
    """People with a message from before that moment, in no order."""
    return ChatUser.objects.filter(free(whose), first_contact__lt=before)


def talkers_walk(whose: str, before: dt.datetime) -> QuerySet[ChatUser]:
    """The same people to walk through, the oldest message first."""
    return by_index(talkers(whose, before).order_by("first_contact", "pk"), "chatuser_first_contact")


def messages(whose: str, before: dt.datetime) -> QuerySet[Message]:
    """Messages from before that moment, in no order."""
    person = "chat_user__"
    return Message.objects.filter(
        free(whose, person), created_at__lt=before, chat_user__first_contact__lt=before
    )


# Table and column of what goes by its own age; the column begins an index.
BY_AGE: dict[str, tuple[Any, str]] = {What.VISITS: (Visit, "ended_at"), What.ACTIVITY: (ActivityEvent, "at")}


def audit_lines(before: dt.datetime) -> QuerySet[AuditEntry]:
    """Lines of the audit log from before that moment, in no order."""
    return AuditEntry.objects.filter(at__lt=before)


def aged(what: str, before: dt.datetime) -> QuerySet[Any]:
    """Visits that ended, or entries of the timeline from, before that moment: anybody's, oldest first."""
    model, column = BY_AGE[what]
    rows: QuerySet[Any] = model.objects.filter(**{f"{column}__lt": before}).order_by(column, "pk")
    return rows
