"""The columns of a person's export, one django-import-export resource for each table.

A resource declares which columns go out, under which name, and in which order. Its values stay what the database
holds (a time, a number, a text); the writers of each form turn them into bytes.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Field as ModelField
from django.db.models import Model, QuerySet
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import Widget

from conversations.models import ActivityEvent, Conversation, MergeJournal, Message
from exports.models import Claim
from staff.models import AuditEntry
from users.models import ChatUser, Note, Tagging, Visit

DEVICE = ("browser", "browser_version", "os", "device_kind")


class Exact(Widget):
    """Hands a value on as it is; the library's own widgets render times in the viewer's zone and cut digits."""

    def render(self, value: Any, obj: Model | None = None, **kwargs: Any) -> Any:
        return value


def column(attribute: str, name: str) -> Field:
    """A column that is called otherwise than its attribute."""
    return Field(attribute=attribute, column_name=name, widget=Exact())


class PersonalResource(ModelResource):
    """A resource whose columns are its `Meta.fields`, in that order."""

    @classmethod
    def field_from_django_field(
        cls, field_name: str, django_field: ModelField[Any, Any], readonly: bool
    ) -> Field:
        return Field(
            attribute=field_name,
            column_name=field_name,
            widget=Exact(),
            readonly=readonly,
            default=django_field.default,
        )


class ProfileResource(PersonalResource):
    """What is known of the person themselves."""

    verified = column("verified", "verified")

    class Meta:
        model = ChatUser
        fields: ClassVar = (
            "uuid",
            "name",
            "email",
            "external_id",
            "verified",
            "verified_at",
            "identified_at",
            "traits",
            "first_seen",
            "first_contact",
            "last_active",
            "message_count",
            "visit_count",
            "unread_count",
            "is_vip",
            "vip_reason",
            "blocked_at",
            "held_at",
            *DEVICE,
        )


class VisitResource(PersonalResource):
    """When they were here, from where, with what."""

    class Meta:
        model = Visit
        fields: ClassVar = (
            "id",
            "started_at",
            "last_seen_at",
            "ended_at",
            "how_ended",
            "landing_url",
            "landing_title",
            "referrer",
            "network",
            *DEVICE,
        )


class ConversationResource(PersonalResource):
    """Their conversations; the messages are a resource of their own."""

    class Meta:
        model = Conversation
        fields: ClassVar = (
            "id",
            "status",
            "turn",
            "started_at",
            "last_message_at",
            "closed_at",
            "unread_count",
        )


class MessageResource(PersonalResource):
    """What was said, by them and to them."""

    conversation = column("conversation_id", "conversation")
    sender = column("sender", "from")
    created_at = column("created_at", "at")
    author_name = column("author_name", "author")

    class Meta:
        model = Message
        fields: ClassVar = (
            "id",
            "conversation",
            "sender",
            "kind",
            "body",
            "data",
            "created_at",
            "author_name",
            "read_at",
        )

    def get_queryset(self) -> QuerySet[Message]:
        return Message.objects.defer("tokens")


class ActivityResource(PersonalResource):
    """What they did, apart from writing."""

    visit = column("visit_id", "visit")

    class Meta:
        model = ActivityEvent
        fields: ClassVar = ("id", "kind", "at", "visit", "data")


class TagResource(PersonalResource):
    """The tags on them. The tag itself belongs to nobody."""

    tag = column("tag__name", "name")

    class Meta:
        model = Tagging
        fields: ClassVar = ("tag", "at")

    def get_queryset(self) -> QuerySet[Tagging]:
        return Tagging.objects.select_related("tag")


class NoteResource(PersonalResource):
    """What staff wrote down about them."""

    author_name = column("author_name", "author")
    created_at = column("created_at", "at")

    class Meta:
        model = Note
        fields: ClassVar = ("id", "body", "author_name", "created_at")


class MergeResource(PersonalResource):
    """Earlier, anonymous visitors that were joined into them, and what those had said of themselves."""

    merged_uuid = column("merged_uuid", "uuid")

    class Meta:
        model = MergeJournal
        fields: ClassVar = ("merged_uuid", "at", "undone_at", "profile")


class RequestResource(PersonalResource):
    """Requests for their data or its erasure."""

    kind = column("request__kind", "kind")
    proof = column("request__proof", "proof")
    asked_at = column("request__asked_at", "at")
    request = column("request_id", "request")

    class Meta:
        model = Claim
        fields: ClassVar = (
            "request",
            "kind",
            "proof",
            "asked_at",
            "email",
            "state",
            "refusal",
            "due_at",
            "closed_at",
        )

    def get_queryset(self) -> QuerySet[Claim]:
        return Claim.objects.select_related("request")


class AccessResource(PersonalResource):
    """Who looked at, changed or exported them: lines of the audit log."""

    actor_name = column("actor_name", "actor")

    class Meta:
        model = AuditEntry
        fields: ClassVar = ("at", "actor_name", "verb", "detail")
