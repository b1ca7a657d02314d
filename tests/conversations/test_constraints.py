"""What the database itself refuses, whoever writes: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from conversations.models import Conversation, Message
from tests.factories import make_messages, make_person
from users.models import ChatUser, Tag, Tagging, VisitorToken


@pytest.fixture
def ann(db: None) -> ChatUser:
    person = make_person("Ann")
    make_messages(person, ("visitor", "Hello"))
    return person


@pytest.fixture
def bob(db: None) -> ChatUser:
    person = make_person("Bob")
    make_messages(person, ("visitor", "Hello"))
    return person


def refuses(write: Callable[[], object]) -> bool:
    """Whether the database refuses `write` by the end of its transaction at the latest."""
    try:
        with transaction.atomic():
            write()
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            connection.check_constraints()
    except IntegrityError:
        return True
    return False


def test_a_message_belongs_to_its_conversations_person(ann: ChatUser, bob: ChatUser):
    theirs = bob.conversations.get()
    assert refuses(lambda: Message.objects.create(conversation=theirs, chat_user=ann, sender="visitor"))
    assert not refuses(lambda: Message.objects.create(conversation=theirs, chat_user=bob, sender="visitor"))
    message = ann.messages.get()
    assert refuses(lambda: Message.objects.filter(pk=message.pk).update(chat_user=bob))
    assert refuses(lambda: Message.objects.filter(pk=message.pk).update(conversation=theirs))
    assert not refuses(
        lambda: Message.objects.filter(pk=message.pk).update(conversation=theirs, chat_user=bob)
    )
    message.refresh_from_db()
    assert (message.chat_user, message.conversation) == (bob, theirs)


def test_a_message_belongs_to_a_conversation_that_is_there(ann: ChatUser):
    assert refuses(lambda: Message.objects.create(conversation_id=10**9, chat_user=ann, sender="visitor"))
    assert refuses(lambda: Message.objects.filter(chat_user=ann).update(conversation_id=10**9))


def test_a_conversation_takes_its_messages_with_it(ann: ChatUser, bob: ChatUser):
    make_messages(ann, ("visitor", "Second"))
    bob.conversations.update(status="closed", closed_at=timezone.now())
    conversation = ann.conversations.get()
    assert not refuses(lambda: Conversation.objects.filter(pk=conversation.pk).update(chat_user=bob))
    assert set(conversation.messages.values_list("chat_user", flat=True)) == {bob.pk}
    assert (ann.messages.count(), bob.messages.count()) == (0, 3)


def test_one_conversation_is_open_at_most(ann: ChatUser):
    assert refuses(lambda: Conversation.objects.create(chat_user=ann))
    assert not refuses(
        lambda: Conversation.objects.create(chat_user=ann, status="closed", closed_at=timezone.now())
    )
    assert refuses(lambda: Conversation.objects.filter(chat_user=ann).update(status="open", closed_at=None))


@pytest.mark.parametrize(
    ("status", "closed", "refused"),
    [
        ("open", True, True),
        ("closed", False, True),
        ("ajar", True, True),
        ("ajar", False, True),
        ("closed", True, False),
    ],
)
def test_the_closed_alone_have_a_date(ann: ChatUser, status: str, closed: bool, refused: bool):
    closed_at = timezone.now() if closed else None
    assert refuses(lambda: ann.conversations.update(status=status, closed_at=closed_at)) is refused


@pytest.mark.parametrize("counter", ["message_count", "visit_count", "unread_count"])
def test_a_person_counts_from_zero(ann: ChatUser, counter: str):
    assert refuses(lambda: ChatUser.objects.filter(pk=ann.pk).update(**{counter: -1}))
    assert not refuses(lambda: ChatUser.objects.filter(pk=ann.pk).update(**{counter: 0}))


def test_a_conversation_counts_from_zero(ann: ChatUser):
    assert refuses(lambda: ann.conversations.update(unread_count=-1))
    assert not refuses(lambda: ann.conversations.update(unread_count=0))


def test_who_has_messages_has_a_first_contact(ann: ChatUser):
    assert refuses(lambda: ChatUser.objects.filter(pk=ann.pk).update(first_contact=None))
    assert not refuses(lambda: ChatUser.objects.filter(pk=ann.pk).update(first_contact=None, message_count=0))


def test_an_external_id_is_one_persons_and_not_empty(ann: ChatUser, bob: ChatUser):
    assert not refuses(lambda: ChatUser.objects.filter(pk=ann.pk).update(external_id="x-1"))
    assert refuses(lambda: ChatUser.objects.filter(pk=bob.pk).update(external_id="x-1"))
    assert not refuses(lambda: ChatUser.objects.filter(pk=bob.pk).update(external_id="X-1"))
    assert refuses(lambda: ChatUser.objects.filter(pk=bob.pk).update(external_id=""))
    assert not refuses(lambda: ChatUser.objects.filter(pk__in=[ann.pk, bob.pk]).update(external_id=None))


def test_a_client_id_is_one_message_of_a_person(ann: ChatUser, bob: ChatUser):
    key, conversation = uuid.uuid4(), ann.conversations.get()
    fields = {"conversation": conversation, "chat_user": ann, "sender": "visitor", "client_id": key}
    assert not refuses(lambda: Message.objects.create(**fields))
    assert refuses(lambda: Message.objects.create(**fields))
    others = {"conversation": bob.conversations.get(), "chat_user": bob}
    assert not refuses(lambda: Message.objects.create(**fields | others))


def test_a_token_is_one_persons(ann: ChatUser, bob: ChatUser):
    assert not refuses(lambda: VisitorToken.objects.create(chat_user=ann, token_hash="a" * 64))
    assert refuses(lambda: VisitorToken.objects.create(chat_user=bob, token_hash="a" * 64))


def test_a_tag_is_put_on_once(ann: ChatUser):
    tag = Tag.objects.create(name="VIP", name_folded="vip")
    assert not refuses(lambda: Tagging.objects.create(chat_user=ann, tag=tag))
    assert refuses(lambda: Tagging.objects.create(chat_user=ann, tag=tag))
    assert refuses(lambda: Tag.objects.create(name="vip", name_folded="vip"))


def test_a_person_who_is_there_still_can_not_be_left_alone_by_their_rows(ann: ChatUser):
    """No row of anybody outlives them, whatever deletes the person."""

    def delete() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM users_chatuser WHERE id = %s", [ann.pk])

    assert refuses(delete)
    assert ChatUser.objects.filter(pk=ann.pk).exists()
