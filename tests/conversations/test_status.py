"""set_status(): closing a conversation, opening it again, and what is told of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event
from conversations.actions import Gone, NewMessage, close_idle, set_status, write_message
from conversations.counters import wrong
from conversations.models import Conversation, Message
from staff.models import Account
from tests.announcements import listen
from tests.factories import make_messages, make_person
from tests.threads import together
from users.models import ChatUser


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@pytest.fixture
def ann(db: None) -> ChatUser:
    return make_person("Ann")


@pytest.fixture
def talk(ann: ChatUser) -> Conversation:
    make_messages(ann, ("visitor", "Hello"), start=timezone.now() - dt.timedelta(days=3))
    return Conversation.objects.get()


def test_closing_says_so_in_the_history(
    ann: ChatUser, talk: Conversation, support: Account, told: list[Event]
):
    before = timezone.now()
    closed = set_status(conversation_id=talk.pk, status="closed", actor=support)
    assert closed.status == "closed"
    assert closed.closed_at is not None and closed.closed_at >= before
    line = Message.objects.latest("pk")
    assert (line.sender, line.kind, line.body) == ("system", "system", "Conversation closed")
    assert (line.author, line.author_name, line.conversation_id) == (support, "Sam Support", talk.pk)
    assert told == [
        Event("conversation.changed", str(ann.uuid), {"id": talk.pk}),
        Event("message.created", str(ann.uuid), {"id": line.pk, "sender": "system"}),
    ]
    ann.refresh_from_db()
    talk.refresh_from_db()
    assert (ann.message_count, ann.unread_count, talk.unread_count) == (1, 1, 1)
    assert list(wrong()) == []


def test_the_same_status_again_changes_nothing(talk: Conversation, support: Account, told: list[Event]):
    set_status(conversation_id=talk.pk, status="open", actor=support)
    assert (Message.objects.count(), told) == (1, [])
    set_status(conversation_id=talk.pk, status="closed", actor=support)
    closed_at = Conversation.objects.get().closed_at
    told.clear()
    set_status(conversation_id=talk.pk, status="closed", actor=None)
    assert (Message.objects.count(), told) == (2, [])
    assert Conversation.objects.get().closed_at == closed_at


def test_one_that_is_opened_again_is_not_swept_up_at_once(talk: Conversation, support: Account):
    set_status(conversation_id=talk.pk, status="closed", actor=support)
    set_status(conversation_id=talk.pk, status="open", actor=support)
    talk.refresh_from_db()
    assert (talk.status, talk.closed_at) == ("open", None)
    assert list(Message.objects.order_by("pk").values_list("body", flat=True)) == [
        "Hello",
        "Conversation closed",
        "Conversation reopened",
    ]
    assert close_idle() == 0
    assert list(wrong()) == []


def test_opening_one_closes_the_other(ann: ChatUser, talk: Conversation, support: Account, told: list[Event]):
    set_status(conversation_id=talk.pk, status="closed", actor=support)
    second = write_message(NewMessage(ann.pk, "visitor", "Again")).message.conversation_id
    told.clear()
    set_status(conversation_id=talk.pk, status="open", actor=support)
    assert Conversation.objects.get(status="open").pk == talk.pk
    other = Conversation.objects.get(pk=second)
    assert (other.status, other.closed_at is not None) == ("closed", True)
    changed = [event.data["id"] for event in told if event.name == "conversation.changed"]
    assert changed == [second, talk.pk]


def test_there_are_two_statuses(talk: Conversation, support: Account, told: list[Event]):
    with pytest.raises(ValueError, match="ajar"):
        set_status(conversation_id=talk.pk, status="ajar", actor=support)
    assert (Conversation.objects.get().status, told) == ("open", [])


def test_not_of_the_erased_nor_of_what_is_not_there(
    ann: ChatUser, talk: Conversation, support: Account, told: list[Event]
):
    with pytest.raises(Conversation.DoesNotExist):
        set_status(conversation_id=talk.pk + 1_000, status="closed", actor=support)
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=timezone.now())
    with pytest.raises(Gone):
        set_status(conversation_id=talk.pk, status="closed", actor=support)
    assert (Conversation.objects.get().status, Message.objects.count(), told) == ("open", 1, [])


@pytest.mark.django_db(transaction=True)
def test_two_who_close_at_once_leave_one_line(support: Account):
    ann = make_person("Ann")
    make_messages(ann, ("visitor", "Hello"))
    talk = Conversation.objects.get()
    results = together(*[lambda: set_status(conversation_id=talk.pk, status="closed", actor=support)] * 4)
    assert all(isinstance(result, Conversation) for result in results)
    assert Message.objects.filter(sender="system").count() == 1


@pytest.mark.django_db(transaction=True)
def test_writing_and_opening_at_once_leave_one_open(support: Account):
    ann = make_person("Ann")
    make_messages(ann, ("visitor", "Hello"))
    talk = Conversation.objects.get()
    set_status(conversation_id=talk.pk, status="closed", actor=support)

    def write() -> None:
        for _ in range(5):
            write_message(NewMessage(ann.pk, "visitor", "More"))

    def toggle() -> None:
        for _ in range(5):
            for status in ("open", "closed"):
                set_status(conversation_id=talk.pk, status=status, actor=support)

    assert together(write, toggle, write) == [None, None, None]
    assert Conversation.objects.filter(status="open").count() <= 1
    assert list(wrong()) == []
