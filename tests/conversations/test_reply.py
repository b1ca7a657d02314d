"""Replying from the profile: once, kept as written, never lost."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import BODY_CHARS, Message
from staff.models import Account
from tests.factories import make_messages, make_person
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


def said() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("body", flat=True))


def test_a_reply_is_said_once_and_shown(support: Account, support_client: Client) -> None:
    person = make_person("Ada")
    given = {"body": "Hello Ada,\r\n  it left us.", "client_id": str(uuid.uuid4())}
    answer = support_client.post(f"/users/{person.uuid}/messages/", given, follow=True)
    assert answer.redirect_chain == [(f"/users/{person.uuid}/", 302)]
    message = Message.objects.get()
    assert (message.sender, message.author, message.author_name) == ("staff", support, "Sam Support")
    assert message.body == "Hello Ada,\n  it left us."
    assert f'data-message="{message.pk}"' in text_of(answer)


def test_the_same_form_twice_is_one_message(support_client: Client) -> None:
    person = make_person("Ada")
    given = {"body": "Hello!", "client_id": str(uuid.uuid4())}
    for _ in range(3):
        assert support_client.post(f"/users/{person.uuid}/messages/", given).status_code == 302
    assert said() == ["Hello!"]


def test_the_page_makes_a_fresh_id_each_time(support_client: Client) -> None:
    person = make_person("Ada")
    ids = {
        re.search(
            r'name="client_id" value="([^"]+)"', text_of(support_client.get(f"/users/{person.uuid}/"))
        ).group(1)
        for _ in range(2)
    }
    assert len(ids) == 2
    assert all(uuid.UUID(found) for found in ids)


def test_another_text_in_a_form_that_was_sent_is_neither_lost_nor_taken_for_a_repeat(
    support_client: Client,
) -> None:
    person = make_person("Ada")
    given = {"body": "First", "client_id": str(uuid.uuid4())}
    support_client.post(f"/users/{person.uuid}/messages/", given)
    answer = support_client.post(f"/users/{person.uuid}/messages/", given | {"body": "Second"})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["body"]
    page = text_of(answer)
    assert ">Second</textarea>" in page
    assert said() == ["First"]
    fresh = re.search(r'name="client_id" value="([^"]+)"', page).group(1)
    support_client.post(f"/users/{person.uuid}/messages/", {"body": "Second", "client_id": fresh})
    assert said() == ["First", "Second"]


def test_without_an_id_each_post_is_a_message(support_client: Client) -> None:
    person = make_person("Ada")
    for _ in range(2):
        support_client.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"})
    assert said() == ["Hello!", "Hello!"]


def test_text_stays_as_it_was_written(support_client: Client) -> None:
    person = make_person("Ada")
    body = "  indented\n\tand tabbed \u202b<b>&amp;</b> 🎉 "
    support_client.post(f"/users/{person.uuid}/messages/", {"body": body, "client_id": str(uuid.uuid4())})
    assert said() == [body]


def test_four_thousand_characters_fit_and_one_more_does_not(support_client: Client) -> None:
    person = make_person("Ada")
    fits = "🎉" * (BODY_CHARS - 1) + "\r\n"
    assert support_client.post(f"/users/{person.uuid}/messages/", {"body": fits}).status_code == 302
    answer = support_client.post(f"/users/{person.uuid}/messages/", {"body": "a" * (BODY_CHARS + 1)})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["body"]
    assert "a" * (BODY_CHARS + 1) in text_of(answer)
    assert len(said()) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"body": ""}, "body"),
        ({"body": " \n\t "}, "body"),
        ({"body": "nul\x00"}, "body"),
        ({}, "body"),
        ({"body": "Hello!", "client_id": "no uuid"}, "client_id"),
    ],
)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_what_can_not_be_said_is_told_by_its_field(
    given: dict, field: str, headers: dict, support_client: Client
) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/messages/", given, headers=headers)
    assert answer.status_code == 422
    assert list(errors_of(answer)) == [field]
    assert said() == []


def test_the_page_gets_the_message_to_append(support_client: Client) -> None:
    person = make_person("Ada")
    given = {"body": "Hello!", "client_id": str(uuid.uuid4())}
    answers = [
        support_client.post(f"/users/{person.uuid}/messages/", given, headers=FRAGMENT) for _ in range(2)
    ]
    message = Message.objects.get()
    for answer in answers:
        assert answer.status_code == 200
        assert f"hx-swap-oob=\"beforeend:[data-open='{person.uuid}'] [data-log]\"" in text_of(answer)
        assert f'data-message="{message.pk}"' in text_of(answer)
        assert "<html" not in text_of(answer)
        assert errors_of(answer) == {}


def test_nobody_replies_to_the_blocked(support_client: Client) -> None:
    person = make_person("Ada", blocked_at=timezone.now())
    answer = support_client.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"})
    assert answer.status_code == 422
    assert "blocked" in errors_of(answer)["body"]
    assert ">Hello!</textarea>" in text_of(answer)
    assert said() == []


def test_nobody_replies_to_the_erased(support_client: Client) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    assert support_client.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"}).status_code == 404
    assert said() == []


def test_strangers_say_nothing(stranger: Client) -> None:
    person = make_person("Ada")
    answer = stranger.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"})
    assert answer["Location"].startswith("/login/")
    fragment = stranger.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"}, headers=FRAGMENT)
    assert (fragment.status_code, fragment["HX-Redirect"][:7]) == (401, "/login/")
    assert said() == []


def test_a_post_from_another_site_is_refused(support: Account) -> None:
    person = make_person("Ada")
    client = Client(enforce_csrf_checks=True)
    client.force_login(support, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"}).status_code == 403
    assert said() == []


def test_a_reply_does_not_read_what_waits(support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "Anyone?"))
    support_client.post(f"/users/{person.uuid}/messages/", {"body": "Hello!"})
    person.refresh_from_db()
    assert person.unread_count == 1
