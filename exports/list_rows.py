"""The people of an exported list, as its pages show them: the columns of one resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from django.db.models import Field as ModelField
from import_export.fields import Field

from conversations.models import Message
from exports.reading import as_rows
from exports.resources import PersonalResource, column
from exports.walking import Row
from search.everyone import Met
from users.models import ChatUser
from users.queries import Person, living, people

CHUNK_ROWS = 500


@dataclass(frozen=True)
class Listed:
    """One person of the list. `said`: the message that they were found by."""

    person: Person
    said: Message | None = None

    @property
    def tags(self) -> list[str]:
        """The names of their tags."""
        return [tag.name for tag in self.person.tags]


class ListResource(PersonalResource):
    """What the list shows of a person. Its last two columns are there where messages were searched."""

    verified = column("person__user__verified", "verified")
    tags = column("tags", "tags")
    online = column("person__online", "online")
    device = column("person__user__device", "device")
    found_at = column("said__created_at", "found_at")
    found = column("said__body", "found")

    class Meta:
        model = ChatUser
        fields: ClassVar = (
            "uuid",
            "name",
            "email",
            "external_id",
            "verified",
            "tags",
            "is_vip",
            "message_count",
            "visit_count",
            "first_seen",
            "first_contact",
            "last_active",
            "online",
            "device",
            "found_at",
            "found",
        )

    @classmethod
    def field_from_django_field(
        cls, field_name: str, django_field: ModelField[Any, Any], readonly: bool
    ) -> Field:
        made = super().field_from_django_field(field_name, django_field, readonly)
        made.attribute = f"person__user__{field_name}"
        return made


def columns(*, with_messages: bool) -> list[str]:
    """The columns, in order."""
    order = list(ListResource().get_export_order())
    return order if with_messages else [name for name in order if not name.startswith("found")]


def rows(everyone: Iterable[Sequence[Met]], names: list[str]) -> Iterator[Row]:
    """A row for each who still lives, with the columns `names`: so many queries for every CHUNK_ROWS of them."""
    resource = ListResource()
    for met in everyone:
        several = iter(met)
        while chunk := list(islice(several, CHUNK_ROWS)):
            yield from as_rows(resource, _listed(chunk), names)


def _listed(met: Sequence[Met]) -> Iterator[Listed]:
    messages = Message.objects.only("chat_user_id", "body", "created_at").in_bulk(
        [one.message for one in met if one.message is not None]
    )
    # Last of the two, so that nobody goes out who was erased in between.
    living_now = living().in_bulk([one.person for one in met])
    shown = {person.user.pk: person for person in people(list(living_now.values()))}
    for one in met:
        if one.person in shown:
            said = messages.get(one.message or 0)
            # Two people may have been joined meanwhile: nobody is shown with another's words.
            is_theirs = said is not None and said.chat_user_id == one.person
            yield Listed(shown[one.person], said if is_theirs else None)
