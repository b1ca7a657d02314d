"""`manage.py check_counters`: silent where all is right, and finds each thing that isn't."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.db import models
from django.utils import timezone

from conversations.actions import NewMessage, mark_read, set_status, write_message
from conversations.counters import Wrong, wrong
from conversations.demo import load_demo
from conversations.models import Conversation, Message, Sender, Status
from tests.factories import make_account, make_person, make_visit
from users.actions import correct_details
from users.models import ChatUser, Visit

pytestmark = pytest.mark.django_db
YEARS = dt.timedelta(days=900)


@pytest.fixture
def person() -> ChatUser:
    """Somebody with 40 messages among others."""
    load_demo(users=30, messages=400, seed=8)
    return ChatUser.objects.filter(unread_count__gt=0, name__gt="", email__gt="").order_by("-message_count")[
        0
    ]


def run(**options: object) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("check_counters", stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_what_the_actions_write_is_right() -> None:
    person = make_person("Ada", first_seen=timezone.now())
    make_visit(person)
    first = write_message(NewMessage(person.pk, Sender.VISITOR, "Hello, ﷺ ß"))
    write_message(NewMessage(person.pk, Sender.STAFF, "Hi"))
    write_message(NewMessage(person.pk, Sender.VISITOR, "One more"))
    mark_read(chat_user_id=person.pk, side="staff", up_to=first.message.pk)
    set_status(conversation_id=first.message.conversation_id, status=Status.CLOSED, actor=None)
    write_message(NewMessage(person.pk, Sender.VISITOR, "And again"))
    assert Conversation.objects.count() == 2
    assert list(wrong()) == []
    long = "ﷺ" * 200  # each opens into eighteen characters, more than the column has
    correct_details(
        chat_user_id=person.pk, name=long, email="Ä@x.example", actor=make_account("a@team.example")
    )
    assert run() == (0, "Every counter agrees with the rows it counts.\n")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("message_count", models.F("message_count") + 1),
        ("unread_count", 0),
        ("visit_count", models.F("visit_count") + 2),
        ("first_contact", models.F("first_contact") + dt.timedelta(seconds=1)),
        ("first_seen", models.F("first_seen") + dt.timedelta(days=800)),
        ("last_active", models.F("last_active") - YEARS),
        ("last_active", None),
        ("name_folded", "somebody else"),
        ("email_folded", None),
    ],
)
def test_a_wrong_column_of_a_person_is_found(person: ChatUser, column: str, value: object) -> None:
    assert list(wrong()) == []
    ChatUser.objects.filter(pk=person.pk).update(**{column: value})
    found = list(wrong())
    assert [(item.person, item.column) for item in found] == [(str(person.uuid), column)]
    assert found[0].kept != found[0].counted
    status, text = run()
    assert status == 1
    assert f"{person.uuid}  {column}: kept " in text
    assert person.name not in text


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("unread_count", models.F("unread_count") + 1),
        ("turn", "flip"),
        ("started_at", models.F("started_at") + YEARS),
        ("last_message_at", models.F("last_message_at") - YEARS),
    ],
)
def test_a_wrong_column_of_a_conversation_is_found(person: ChatUser, column: str, value: object) -> None:
    talk = person.conversations.order_by("-pk")[0]
    if value == "flip":
        value = {"staff": "visitor", "visitor": "staff"}[talk.turn]
    Conversation.objects.filter(pk=talk.pk).update(**{column: value})
    assert [(item.person, item.column) for item in wrong()] == [
        (str(person.uuid), f"conversation {talk.pk} {column}")
    ]


def test_a_message_that_cannot_be_found_by_its_words_is_found(person: ChatUser) -> None:
    message = person.messages.filter(sender=Sender.VISITOR).latest("pk")
    Message.objects.filter(pk=message.pk).update(tokens="something else")
    assert list(wrong()) == [
        Wrong(
            str(person.uuid),
            f"message {message.pk} tokens",
            "14 characters",
            f"{len(message.tokens)} others",
        )
    ]


def test_a_row_that_went_missing_is_found(person: ChatUser) -> None:
    Message.objects.filter(pk=person.messages.filter(sender=Sender.STAFF).latest("pk").pk).delete()
    assert "message_count" in {item.column for item in wrong()}
    Visit.objects.filter(chat_user=person).delete()
    assert "visit_count" in {item.column for item in wrong()}


def test_small_parts_find_the_same(person: ChatUser) -> None:
    ChatUser.objects.update(visit_count=models.F("visit_count") + 1)
    Conversation.objects.update(unread_count=models.F("unread_count") + 1)
    in_parts, at_once = list(wrong(chunk=3)), list(wrong(chunk=10_000))
    assert len(in_parts) == 30 + Conversation.objects.count()
    assert sorted(map(repr, in_parts)) == sorted(map(repr, at_once))


def test_the_listing_is_bounded(person: ChatUser) -> None:
    ChatUser.objects.update(visit_count=models.F("visit_count") + 1)
    status, text = run(limit=4)
    assert status == 1
    assert text.count("visit_count") == 4
    assert text.endswith("4 and more wrong.\n")


def test_the_erased_are_left_out(person: ChatUser) -> None:
    ChatUser.objects.filter(pk=person.pk).update(visit_count=99)
    assert list(wrong())
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now())
    assert list(wrong()) == []
