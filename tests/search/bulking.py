"""Many people, and what tests read off the pages on which the same is done to all of them."""

from __future__ import annotations

import re
from html import unescape

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from chatadmin.lib.models import Job
from chatadmin.lib.tokens import folded
from search import bulk
from staff.models import Account
from users.models import ChatUser, Tag, Tagging


def make_crowd(size: int, word: str = "Crowd") -> list[ChatUser]:
    """So many people, named `word` and a number."""
    names = [f"{word} {number}" for number in range(size)]
    return ChatUser.objects.bulk_create(ChatUser(name=name, name_folded=folded(name)) for name in names)


def make_tag(name: str, *people: ChatUser) -> Tag:
    """A tag on `people`."""
    tag = Tag.objects.create(name=name, name_folded=folded(name) or "")
    Tagging.objects.bulk_create(Tagging(chat_user=person, tag=tag) for person in people)
    return tag


def wearers(name: str) -> set[int]:
    """Who wears the tag of that name."""
    return set(Tagging.objects.filter(tag__name=name).values_list("chat_user", flat=True))


def proposed(action: str, people: list[ChatUser], actor: Account, tag: Tag | None = None) -> Job:
    """A proposal about `people`."""
    ids = [person.pk for person in people]
    return bulk.propose(action=bulk.Action(action), tag=tag, ids=ids, actor=actor)


def asked(client: Client, **fields: object) -> HttpResponse:
    """The answer to a post to /users/bulk/, followed to the page that it leads to."""
    return client.post("/users/bulk/", fields, follow=True)  # type: ignore[return-value]


def own(job: Job) -> str:
    """The job's page."""
    return f"/users/bulk/{job.pk}/"


def text_of(response: HttpResponse) -> str:
    """The page's words, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", response.content.decode())).split())


def numbers(page: str | HttpResponse) -> dict[str, str]:
    """What `data-bulk` and the numbers beside it say."""
    html = page if isinstance(page, str) else page.content.decode()
    [attributes] = re.findall(r"<\w+ [^>]*\bdata-bulk=[^>]*>", html)
    return dict(re.findall(r'data-(bulk|total|done|changed|already)="([^"]*)"', attributes))


def errors_of(response: HttpResponse) -> dict[str, str]:
    """The message by each refused field."""
    found = re.findall(r'data-error="(\w+)"[^>]*>(.*?)</p>', response.content.decode(), re.DOTALL)
    return {field: unescape(message) for field, message in found}


def erase_at_once(person: ChatUser) -> None:
    """The person's row is gone, as after an erasure."""
    with transaction.atomic():
        person.delete()
