"""mark_read(): who has seen what, and the counters that follow."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event
from conversations.actions import Gone, mark_read
from conversations.counters import wrong
from conversations.models import Conversation, Message
from tests.announcements import listen
from tests.factories import make_messages, make_person
from users.models import ChatUser

START = timezone.now() - dt.timedelta(hours=2)
SAID = (("visitor", "1"), ("staff", "2"), ("visitor", "3"), ("bot", "4"), ("system", "5"), ("visitor", "6"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@pytest.fixture
def ann(db: None) -> ChatUser:
    return make_person("Ann")


@pytest.fixture
def said(ann: ChatUser) -> list[Message]:
    return make_messages(ann, *SAID, start=START)


def read_bodies() -> list[str]:
    return list(Message.objects.exclude(read_at=None).order_by("pk").values_list("body", flat=True))


def test_staff_read_up_to_an_id(ann: ChatUser, said: list[Message], told: list[Event]):
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=said[3].pk) == 2
    ann.refresh_from_db()
    assert read_bodies() == ["1", "3"]
    assert (ann.unread_count, Conversation.objects.get().unread_count) == (1, 1)
    when = Message.objects.get(pk=said[0].pk).read_at
    assert when is not None
    assert told == [
        Event(
            "message.read",
            str(ann.uuid),
            {"side": "staff", "first": said[0].pk, "up_to": said[2].pk, "at": when.isoformat()},
        )
    ]
    assert list(wrong()) == []


def test_the_visitor_reads_ours_and_no_counter_moves(ann: ChatUser, said: list[Message], told: list[Event]):
    assert mark_read(chat_user_id=ann.pk, side="visitor", up_to=said[-1].pk) == 2
    ann.refresh_from_db()
    assert read_bodies() == ["2", "4"]
    assert (ann.unread_count, Conversation.objects.get().unread_count) == (3, 3)
    assert [(event.data["side"], event.data["first"], event.data["up_to"]) for event in told] == [
        ("visitor", said[1].pk, said[3].pk)
    ]


def test_what_is_read_stays_read_since_then(ann: ChatUser, said: list[Message], told: list[Event]):
    mark_read(chat_user_id=ann.pk, side="staff", up_to=said[0].pk)
    first = Message.objects.get(pk=said[0].pk).read_at
    told.clear()
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=said[0].pk) == 0
    assert told == []
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=said[-1].pk) == 2
    assert Message.objects.get(pk=said[0].pk).read_at == first
    ann.refresh_from_db()
    assert (ann.unread_count, Conversation.objects.get().unread_count) == (0, 0)


@pytest.mark.parametrize("up_to", [0, -1, -(2**63)])
def test_nothing_before_the_first(ann: ChatUser, said: list[Message], told: list[Event], up_to: int):
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=up_to) == 0
    assert (read_bodies(), told) == ([], [])


@pytest.mark.parametrize("up_to", [2**63 - 1, 2**63, 10**30])
def test_everything_up_to_an_id_that_is_not_there_yet(ann: ChatUser, said: list[Message], up_to: int):
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=up_to) == 3


def test_each_conversation_counts_its_own(ann: ChatUser, said: list[Message]):
    Conversation.objects.update(status="closed", closed_at=timezone.now())
    second = make_messages(ann, ("visitor", "7"), ("visitor", "8"))
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=second[0].pk) == 4
    assert list(Conversation.objects.order_by("pk").values_list("unread_count", flat=True)) == [0, 1]
    ann.refresh_from_db()
    assert ann.unread_count == 1
    assert list(wrong()) == []


def test_another_persons_messages_stay_unread(ann: ChatUser, said: list[Message]):
    bob = make_person("Bob")
    make_messages(bob, ("visitor", "b1"))
    last = Message.objects.latest("pk").pk
    mark_read(chat_user_id=ann.pk, side="staff", up_to=last)
    bob.refresh_from_db()
    assert bob.unread_count == 1
    assert "b1" not in read_bodies()


def test_imported_messages_have_ids_below_zero(ann: ChatUser):
    imported = make_messages(ann, ("visitor", "old"), start=START)[0]
    Message.objects.filter(pk=imported.pk).update(id=-5)
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=-6) == 0
    assert mark_read(chat_user_id=ann.pk, side="staff", up_to=-5) == 1


def test_the_erased_read_nothing(ann: ChatUser, said: list[Message], told: list[Event]):
    ChatUser.objects.filter(pk=ann.pk).update(erased_at=START)
    for pk in (ann.pk, ann.pk + 1_000):
        for side in ("staff", "visitor"):
            with pytest.raises(Gone):
                mark_read(chat_user_id=pk, side=side, up_to=said[-1].pk)
    assert (read_bodies(), told) == ([], [])


def test_the_blocked_read(ann: ChatUser, said: list[Message]):
    ChatUser.objects.filter(pk=ann.pk).update(blocked_at=START)
    assert mark_read(chat_user_id=ann.pk, side="visitor", up_to=said[-1].pk) == 2


def test_there_are_two_sides(ann: ChatUser, said: list[Message]):
    with pytest.raises(ValueError, match="bot"):
        mark_read(chat_user_id=ann.pk, side="bot", up_to=said[-1].pk)
    assert read_bodies() == []
