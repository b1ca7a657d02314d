"""Closing a conversation and opening it again."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Message
from tests.factories import make_messages, make_person
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db


def test_closed_and_opened_again(support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "Hello?"))
    conversation = Conversation.objects.get()
    address = f"/conversations/{conversation.pk}/status/"
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert f'formaction="{address}" name="status" value="closed"' in page
    answer = support_client.post(address, {"status": "closed"}, follow=True)
    assert answer.redirect_chain == [(f"/users/{person.uuid}/", 302)]
    conversation.refresh_from_db()
    assert conversation.status == "closed"
    page = text_of(answer)
    assert f'formaction="{address}" name="status" value="open"' in page
    assert "Conversation closed" in page
    support_client.post(address, {"status": "open"})
    conversation.refresh_from_db()
    assert conversation.status == "open"


def test_the_open_conversation_is_the_one_shown(support_client: Client) -> None:
    person = make_person("Ada")
    older = Conversation.objects.create(chat_user=person, started_at=timezone.now() - dt.timedelta(days=3))
    Conversation.objects.create(chat_user=person, status="closed", closed_at=timezone.now())
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert f'data-conversation="{older.pk}" data-status="open"' in page


def test_a_status_is_open_or_closed(support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "Hello?"))
    answer = support_client.post(
        f"/conversations/{Conversation.objects.get().pk}/status/", {"status": "ajar"}
    )
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["status"]


def test_not_that_of_an_erased_or_unknown_person(support_client: Client) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    conversation = Conversation.objects.create(chat_user=person)
    for pk in (conversation.pk, conversation.pk + 1, 10**30):
        assert support_client.post(f"/conversations/{pk}/status/", {"status": "closed"}).status_code == 404
    conversation.refresh_from_db()
    assert conversation.status == "open"


def test_strangers_close_nothing(stranger: Client) -> None:
    conversation = Conversation.objects.create(chat_user=make_person("Ada"))
    answer = stranger.post(f"/conversations/{conversation.pk}/status/", {"status": "closed"})
    assert answer["Location"].startswith("/login/")
    conversation.refresh_from_db()
    assert conversation.status == "open"
    assert not Message.objects.exists()
