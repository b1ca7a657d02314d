"""Tags and who wears them, for tests of their pages."""

from __future__ import annotations

import re
from html import unescape

from django.http import HttpResponse

from chatadmin.lib.tokens import folded
from tests.factories import make_person
from tests.users.pages import text_of
from users.models import ChatUser, Tag, Tagging


def make_tag(name: str, *wearers: ChatUser, color: str = "") -> Tag:
    """A tag on those people."""
    tag = Tag.objects.create(name=name, name_folded=folded(name) or "", color=color)
    Tagging.objects.bulk_create(Tagging(chat_user=person, tag=tag) for person in wearers)
    return tag


def make_people(number: int) -> list[ChatUser]:
    """So many people."""
    return [make_person(f"Ada {at}") for at in range(number)]


def names_on(person: ChatUser) -> list[str]:
    """The tags that a person wears, those on the way out too."""
    return sorted(person.taggings.values_list("tag__name", flat=True))


def rows_of(response: HttpResponse) -> dict[str, str]:
    """How many people the page says wear each tag, in the page's order."""
    rows = re.findall(
        r'<tr id="tag-\d+".*?<bdi>(.*?)</bdi>.*?data-people="([^"]+)"', text_of(response), re.DOTALL
    )
    return {unescape(name): people for name, people in rows}
