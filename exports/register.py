"""The register of personal data: every table that reaches a person, declared once.

The export, the erasure and the numbers on the delete page are made from it. A new table that reaches a person and
is not declared here is an error of `manage.py check`, and of the tests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.models import ActivityEvent, Conversation, MergeJournal, Message
from exports import resources
from exports.models import Claim, Request
from staff.models import Account
from users.models import ChatUser, Note, Tag, Tagging, Visit, VisitorToken

INNER = "names rows inside this database, nothing outside it"
REPEATED = "a form of another column, kept for searching"


@dataclass(frozen=True)
class Declared:
    """One table of personal data.

    `name`: its key in the JSON, its file in the CSV, its count in an erasure. `path`: the one way from a row to its
    person. `order`: unique, ends in `pk`, and an index that begins with the person serves it; rows are read and
    deleted along it. `resource`: its exported columns, or None. `left_out`: what is not exported, and why.
    `search_tables`: the full-text tables of SQLite that triggers fill from it; `search_indexes`: PostgreSQL's.
    """

    name: str
    model: type[Model]
    path: str
    order: tuple[str, ...]
    holds: Promise
    resource: type[resources.PersonalResource] | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    search_tables: tuple[str, ...] = ()
    search_indexes: tuple[str, ...] = ()

    def rows_of(self, person_id: int) -> QuerySet[Any]:
        """The rows that belong to one person."""
        return self.model._base_manager.filter(**{self.path: person_id})


# In the order of erasing: what points at another table goes before that table. The person goes last.
REGISTER: tuple[Declared, ...] = (
    Declared(
        name="browsers",
        model=VisitorToken,
        path="chat_user",
        order=("pk",),
        holds=_("browsers that are remembered"),
        # A key's hash tells its owner nothing and could only help a thief; its time is that of a visit.
        resource=None,
        left_out={
            "id": INNER,
            "token_hash": "a secret",
            "created_at": "the start of a visit, exported there",
        },
    ),
    Declared(
        name="messages",
        model=Message,
        path="chat_user",
        order=("created_at", "pk"),
        holds=_("messages, theirs and ours, with the files and form answers they name"),
        resource=resources.MessageResource,
        left_out={
            "tokens": REPEATED,
            "author": INNER,
            "client_id": "the browser's number for a retry",
            "mailed_at": "the moment of an activity, exported there",
        },
        search_tables=("conversations_message_fts",),
        search_indexes=("message_words",),
    ),
    Declared(
        name="activity",
        model=ActivityEvent,
        path="chat_user",
        order=("at", "pk"),
        holds=_(
            "what they did: pages looked at, widget opened and closed, when they said who they are;"
            " when replies were mailed to them"
        ),
        resource=resources.ActivityResource,
    ),
    Declared(
        name="visits",
        model=Visit,
        path="chat_user",
        order=("started_at", "pk"),
        holds=_("visits, with landing page, referrer, browser, system and network prefix"),
        resource=resources.VisitResource,
    ),
    Declared(
        name="conversations",
        model=Conversation,
        path="chat_user",
        order=("started_at", "pk"),
        holds=_("conversations"),
        resource=resources.ConversationResource,
    ),
    Declared(
        name="tags",
        model=Tagging,
        path="chat_user",
        order=("pk",),
        holds=_("tags on them"),
        resource=resources.TagResource,
        left_out={"id": INNER},
    ),
    Declared(
        name="notes",
        model=Note,
        path="chat_user",
        order=("created_at", "pk"),
        holds=_("notes about them"),
        resource=resources.NoteResource,
        left_out={"author": INNER},
    ),
    Declared(
        name="merges",
        model=MergeJournal,
        path="chat_user",
        order=("pk",),
        holds=_("earlier visitors that were joined into them"),
        resource=resources.MergeResource,
        left_out={"id": INNER, "moved": INNER},
    ),
    Declared(
        name="requests",
        model=Claim,
        path="chat_user",
        order=("pk",),
        holds=_("requests for their data or its erasure, and what was decided"),
        resource=resources.RequestResource,
        left_out={"id": INNER},
    ),
    Declared(
        name="profile",
        model=ChatUser,
        path="pk",
        order=("pk",),
        holds=_(
            "name, e-mail address, external id and what the site said of them; first and last seen, device;"
            " why they are a VIP"
        ),
        resource=resources.ProfileResource,
        left_out={
            "id": INNER,
            "name_folded": REPEATED,
            "email_folded": REPEATED,
            "mail_again_at": "a rest between two mails, over within a day",
            "erased_at": "the erased have no export",
        },
        search_tables=("users_chatuser_fts",),
        search_indexes=("chatuser_name_trgm", "chatuser_email_trgm"),
    ),
)
PERSON = REGISTER[-1]
CHILDREN = REGISTER[:-1]
BY_NAME = {declared.name: declared for declared in REGISTER}

# What the tombstone sets at once, before any row is deleted: no page, no search and no socket finds them again.
WIPED: Mapping[str, Any] = {
    "name": "",
    "email": "",
    "external_id": None,
    "identified_at": None,
    "verified_at": None,
    "traits": {},
    "name_folded": None,
    "email_folded": None,
    "first_seen": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    "first_contact": None,
    "last_active": None,
    "message_count": 0,
    "visit_count": 0,
    "unread_count": 0,
    "is_vip": False,
    "vip_reason": None,
    "blocked_at": None,
    "mail_again_at": None,
    "browser": "",
    "browser_version": "",
    "os": "",
    "device_kind": "",
}

# Tables that rows about a person point at, and that are not about that person.
NOT_PERSONAL: Mapping[type[Model], str] = {
    Tag: "a word of the team's, worn by many; it stays when one of them is erased",
    Account: "a member of staff, who is named as author",
    Request: "that somebody asked, when and with what proof; what names them is in its claims",
}


def reaching(models: Collection[type[Model]], person: type[Model] = ChatUser) -> set[type[Model]]:
    """Those of `models` whose rows lead to a `person`, over any number of relations.

    Foreign keys, one-to-one and parent links, many-to-many either way through their own table, and generic keys,
    which may point at anything.
    """
    found: set[type[Model]] = {person}
    while True:
        more = {model for model in models if model not in found and _points_at(model) & found}
        more |= {model for model in models if model not in found and _is_generic(model)}
        if not more:
            return found
        found |= more


def pointed_at(models: Iterable[type[Model]]) -> set[type[Model]]:
    """The tables that `models` point at."""
    return set().union(*(_points_at(model) for model in models))


def undeclared(models: Collection[type[Model]]) -> list[type[Model]]:
    """Those of `models` that hold something of a person and are not in the register, nor named as not personal."""
    declared = {entry.model for entry in REGISTER}
    personal = reaching([model for model in models if not model._meta.proxy]) | declared
    holding = personal | (pointed_at(personal) - NOT_PERSONAL.keys())
    return sorted(holding - declared, key=lambda model: model._meta.label)


def _points_at(model: type[Model]) -> set[type[Model]]:
    targets = set()
    for relation in [*model._meta.fields, *model._meta.many_to_many]:
        if relation.is_relation and isinstance(relation.related_model, type):
            targets.add(relation.related_model._meta.concrete_model or relation.related_model)
    return targets - {model}


def _is_generic(model: type[Model]) -> bool:
    return any(type(part).__name__ == "GenericForeignKey" for part in model._meta.private_fields)
