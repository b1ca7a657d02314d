"""Makes conversations for tests of their list, and reads them off it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from chatadmin.lib.tokens import tokens
from conversations.models import Conversation, Message
from tests.factories import make_person
from tests.search.pages import link, text_of
from users.models import ChatUser

T = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
PART = {"HX-Request": "true"}


def make_talk(
    person: ChatUser | None = None, *said: tuple[str, str], at: dt.datetime = T, **fields: Any
) -> Conversation:
    """A conversation, closed unless told otherwise, with messages a minute apart up to `at`."""
    person = person or make_person("Ada")
    fields.setdefault("status", "closed")
    closed_at = at + dt.timedelta(days=1) if fields["status"] == "closed" else None
    fields.setdefault("started_at", at - dt.timedelta(minutes=len(said)))
    talk = Conversation.objects.create(chat_user=person, closed_at=closed_at, last_message_at=at, **fields)
    for index, (sender, body) in enumerate(said, 1 - len(said)):
        say(talk, sender, body, at=at + dt.timedelta(minutes=index))
    if talk.unread_count:
        person.unread_count += talk.unread_count
        person.save(update_fields=["unread_count"])
    return talk


def say(
    talk: Conversation, sender: str, body: str, *, at: dt.datetime | None = None, **fields: Any
) -> Message:
    """A message in it; dates and counts of the conversation stay as they are."""
    return Message.objects.create(
        conversation=talk,
        chat_user=talk.chat_user,
        sender=sender,
        body=body,
        tokens=tokens(body),
        created_at=at or timezone.now(),
        **fields,
    )


def talks(client: Client, **parameters: str) -> HttpResponse:
    """The list's answer, which is always a page."""
    response = client.get("/conversations/", parameters)
    assert response.status_code == 200
    return cast("HttpResponse", response)


def ids(response: HttpResponse) -> list[int]:
    """What is listed, in order."""
    return [int(pk) for pk in re.findall(r'<tr[^>]* data-conversation="([^"]+)"', text_of(response))]


def row_of(response: HttpResponse, talk: Conversation) -> str:
    """The HTML of one conversation's row."""
    found = re.search(rf'<tr[^>]* data-conversation="{talk.pk}".*?</tr>', text_of(response), re.DOTALL)
    assert found
    return found[0]


def preview(html: str) -> str:
    """What a row says was said, without its tags."""
    found = re.search(r'<span class="said".*?</bdi></span>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", "", found[0]).split())


def walked(client: Client, address: str | None, rel: str) -> list[list[int]]:
    """What is listed on each page, from link to link; of those met on the way back, each leads forward again."""
    pages: list[list[int]] = []
    while address:
        response = client.get(address)
        assert response.status_code == 200
        if pages and rel == "prev":
            again = link(response, "next")
            assert again and ids(client.get(again))[:1] == pages[-1][:1]
        pages.append(ids(response))
        address = link(response, rel)
        assert len(pages) < 50
    return pages


def both_ways(client: Client, start: str) -> list[int]:
    """What is met on the way to the last page, having made sure that the way back meets the same."""
    pages = walked(client, start, "next")
    met = [pk for part in pages for pk in part]
    assert len(met) == len(set(met))
    address = start
    while (following := link(client.get(address), "next")) is not None:
        address = following
    back = walked(client, address, "prev")
    assert [pk for part in reversed(back) for pk in part] == met
    return met
