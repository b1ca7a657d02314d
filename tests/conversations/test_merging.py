"""Joining two people: everything moves, nothing is counted twice or lost, and it can be undone from the journal."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event
from conversations.actions import Gone, NewMessage, write_message
from conversations.counters import wrong
from conversations.merging import merge
from conversations.models import ActivityEvent, Conversation, EventKind, MergeJournal, Message
from staff.models import Account
from tests.announcements import listen
from tests.factories import make_person, make_visit
from tests.threads import together
from users.models import ChatUser, Note, Tag, Tagging, Visit, VisitorToken

T = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    return listen(monkeypatch)


@pytest.fixture
def visitor(db: None) -> ChatUser:
    """An anonymous visitor."""
    return make_person(first_seen=T, last_active=T)


@pytest.fixture
def known(db: None) -> ChatUser:
    """Somebody with an external id."""
    return make_person("Ann", external_id="ann-1", first_seen=T + HOUR, last_active=T + HOUR)


def join(source: ChatUser, target: ChatUser) -> ChatUser:
    merge(source_id=source.pk, target_id=target.pk)
    target.refresh_from_db()
    return target


def write(person: ChatUser, body: str, at: dt.datetime, sender: str = "visitor", **fields: Any) -> Message:
    return write_message(NewMessage(person.pk, sender, body, created_at=at, **fields)).message


def tag(name: str) -> Tag:
    return Tag.objects.get_or_create(name_folded=name, defaults={"name": name})[0]


def give_everything(person: ChatUser, mark: str, author: Account) -> dict[str, list[int]]:
    """One row and more of every kind. Returns their ids by table."""
    visit = make_visit(person, started_at=T, ended_at=T, how_ended="left")
    make_visit(person, started_at=T + 2 * HOUR)
    for number, sender in enumerate(("visitor", "staff", "system"), 1):
        write(person, f"{mark} {number}", T + 2 * HOUR, sender)
    for kind in (EventKind.PAGE, EventKind.WIDGET_OPENED):
        ActivityEvent.objects.create(chat_user=person, visit=visit, kind=kind, at=T)
    Note.objects.create(chat_user=person, author=author, body=f"{mark} note")
    VisitorToken.objects.create(chat_user=person, token_hash=mark)
    Tagging.objects.create(chat_user=person, tag=tag(mark))
    Tagging.objects.create(chat_user=person, tag=tag("both"))
    return {
        model.__name__: list(
            model._default_manager.filter(chat_user=person).order_by("pk").values_list("pk", flat=True)
        )
        for model in (Visit, VisitorToken, Note, Tagging, ActivityEvent, Conversation, Message)
    }


def test_everything_moves_and_the_source_is_gone(
    visitor: ChatUser, known: ChatUser, support: Account, told: list[Event]
):
    theirs = give_everything(visitor, "visitor", support)
    give_everything(known, "known", support)
    told.clear()
    both = tag("both").taggings.get(chat_user=visitor).pk
    join(visitor, known)
    assert not ChatUser.objects.filter(pk=visitor.pk).exists()
    for related in ChatUser._meta.related_objects:
        rows = related.related_model._base_manager.exclude(**{related.field.name: known.pk})
        assert not rows.exists(), related.related_model
    assert set(Message.objects.values_list("body", flat=True)) == {
        f"{mark} {number}" for mark in ("visitor", "known") for number in (1, 2, 3)
    }
    assert set(known.tokens.values_list("token_hash", flat=True)) == {"visitor", "known"}
    assert {tag.name for tag in known.tags.all()} == {"visitor", "known", "both"}
    assert (known.message_count, known.unread_count, known.visit_count) == (4, 2, 4)
    assert list(wrong()) == []
    journal = MergeJournal.objects.get()
    theirs["Tagging"].remove(both)
    assert {name: sorted(journal.moved[name]) for name in theirs} == theirs
    assert journal.moved["tags"] == [tag("both").pk]
    assert (journal.chat_user, journal.merged_uuid, journal.undone_at) == (known, visitor.uuid, None)


def test_the_history_stays_in_the_order_of_time(visitor: ChatUser, known: ChatUser):
    write(visitor, "first", T)
    write(known, "second", T + HOUR)
    write(visitor, "third", T + 2 * HOUR)
    join(visitor, known)
    said = known.messages.order_by("created_at", "id").values_list("body", flat=True)
    assert list(said) == ["first", "second", "third"]
    assert (known.first_contact, known.last_active) == (T, T + 2 * HOUR)


def test_it_is_told(visitor: ChatUser, known: ChatUser, told: list[Event]):
    join(visitor, known)
    event = ActivityEvent.objects.get(kind=EventKind.MERGED)
    assert told == [
        Event("event.recorded", str(known.uuid), {"id": event.pk, "kind": "merged"}),
        Event("user.merged", str(visitor.uuid), {"into": str(known.uuid)}),
        Event("user.changed", str(known.uuid), {"fields": ["history"]}),
    ]


def test_dates_are_the_widest(visitor: ChatUser, known: ChatUser):
    joined = join(visitor, known)
    assert (joined.first_seen, joined.last_active, joined.first_contact) == (T, T + HOUR, None)


def test_what_was_mailed_stays_mailed_and_the_longer_rest_holds(visitor: ChatUser, known: ChatUser):
    mailed = write(visitor, "mailed", T, "staff")
    waiting = write(visitor, "waiting", T + HOUR, "staff")
    Message.objects.filter(pk=mailed.pk).update(mailed_at=T + HOUR)
    ChatUser.objects.filter(pk=visitor.pk).update(mail_again_at=T + 2 * HOUR)
    known.mail_again_at = T + HOUR
    known.save()
    joined = join(visitor, known)
    assert joined.mail_again_at == T + 2 * HOUR
    marks = dict(joined.messages.values_list("pk", "mailed_at"))
    assert marks == {mailed.pk: T + HOUR, waiting.pk: None}


def test_claims_fill_gaps_and_overwrite_nothing(visitor: ChatUser, known: ChatUser):
    ChatUser.objects.filter(pk=visitor.pk).update(
        name="Visitor", name_folded="visitor", email="v@example.com", email_folded="v@example.com"
    )
    joined = join(visitor, known)
    assert (joined.name, joined.name_folded) == ("Ann", "ann")
    assert (joined.email, joined.email_folded) == ("v@example.com", "v@example.com")
    assert MergeJournal.objects.get().moved["adopted"] == ["email"]


@pytest.mark.parametrize(("own", "kept"), [(None, "Press"), ("", "Press"), ("Big account", "Big account")])
def test_the_reason_of_a_vip_is_taken_over_where_there_is_none(visitor, known, own: str | None, kept: str):
    ChatUser.objects.filter(pk=visitor.pk).update(is_vip=True, vip_reason="Press")
    ChatUser.objects.filter(pk=known.pk).update(is_vip=own is not None, vip_reason=own)
    joined = join(visitor, known)
    assert (joined.is_vip, joined.vip_reason) == (True, kept)
    journal = MergeJournal.objects.get()
    assert journal.profile["vip_reason"] == "Press"
    assert journal.moved["adopted"] == (["vip_reason"] if kept == "Press" else [])
    assert "Press" not in json.dumps(journal.moved)


def test_a_name_and_its_folded_form_stay_together(visitor: ChatUser, known: ChatUser):
    ChatUser.objects.filter(pk=visitor.pk).update(name="Visitor", name_folded="visitor")
    ChatUser.objects.filter(pk=known.pk).update(name="\u200b", name_folded=None)
    joined = join(visitor, known)
    assert (joined.name, joined.name_folded) == ("\u200b", None)


def test_the_device_fills_a_gap(visitor: ChatUser, known: ChatUser):
    ChatUser.objects.filter(pk=visitor.pk).update(browser="Firefox", os="Linux", device_kind="desktop")
    assert join(visitor, known).device == "Firefox · Linux"


@pytest.mark.parametrize("whose", ["visitor", "known"])
@pytest.mark.parametrize(("field", "value"), [("is_vip", True), ("blocked_at", T), ("held_at", T)])
def test_what_staff_decided_is_carried_over(
    visitor: ChatUser, known: ChatUser, whose: str, field: str, value: object
):
    ChatUser.objects.filter(pk={"visitor": visitor, "known": known}[whose].pk).update(**{field: value})
    assert getattr(join(visitor, known), field) == value


def test_the_verified_stay_verified(visitor: ChatUser, known: ChatUser):
    ChatUser.objects.filter(pk=known.pk).update(verified_at=T, identified_at=T)
    joined = join(visitor, known)
    assert (joined.external_id, joined.verified_at, joined.identified_at) == ("ann-1", T, T)


@pytest.mark.parametrize("later", ["visitor", "known"])
def test_of_two_open_conversations_the_later_goes_on(visitor: ChatUser, known: ChatUser, later: str):
    write(visitor, "from the visitor", T + (HOUR if later == "visitor" else dt.timedelta()))
    write(known, "from the known", T + (HOUR if later == "known" else dt.timedelta()))
    join(visitor, known)
    opened = Conversation.objects.get(status="open")
    closed = Conversation.objects.get(status="closed")
    assert opened.messages.get().body == f"from the {later}"
    assert closed.closed_at is not None
    assert MergeJournal.objects.get().moved["closed"]["Conversation"] == [closed.pk]
    assert (known.conversations.count(), known.unread_count) == (2, 2)


def test_an_only_open_conversation_stays_open(visitor: ChatUser, known: ChatUser):
    write(visitor, "Hello", T)
    join(visitor, known)
    assert known.conversations.get().status == "open"
    assert MergeJournal.objects.get().moved["closed"]["Conversation"] == []


@pytest.mark.parametrize("later", ["visitor", "known"])
def test_of_two_open_visits_the_later_goes_on(visitor: ChatUser, known: ChatUser, later: str):
    for name, person in (("visitor", visitor), ("known", known)):
        make_visit(
            person, started_at=T, last_seen_at=T + (2 * HOUR if later == name else HOUR), landing_title=name
        )
    join(visitor, known)
    assert known.visits.get(ended_at=None).landing_title == later
    ended = known.visits.exclude(ended_at=None).get()
    assert (ended.ended_at, ended.how_ended) == (T + HOUR, "left")
    assert MergeJournal.objects.get().moved["closed"]["Visit"] == [ended.pk]


def test_a_client_id_of_both_is_given_up(visitor: ChatUser, known: ChatUser):
    shared, own = uuid.uuid4(), uuid.uuid4()
    theirs = write(visitor, "from the visitor", T, client_id=shared)
    write(known, "from the known", T, client_id=shared)
    kept = write(visitor, "other", T, client_id=own)
    join(visitor, known)
    assert Message.objects.count() == 3
    theirs.refresh_from_db()
    kept.refresh_from_db()
    assert (theirs.client_id, kept.client_id) == (None, own)
    assert MergeJournal.objects.get().moved["keys"] == {str(theirs.pk): str(shared)}
    # A repeat of either is still no second message.
    assert not write_message(NewMessage(known.pk, "visitor", "again", client_id=shared)).created
    assert not write_message(NewMessage(known.pk, "visitor", "again", client_id=own)).created


def test_the_journal_tells_what_the_rows_said(visitor: ChatUser, known: ChatUser):
    ChatUser.objects.filter(pk=visitor.pk).update(
        name="V", traits={"plan": "pro"}, browser="Firefox", blocked_at=T, is_vip=True, identified_at=T
    )
    join(visitor, known)
    journal = MergeJournal.objects.get()
    said = {"name": "V", "email": "", "traits": {"plan": "pro"}, "browser": "Firefox", "is_vip": True}
    assert said.items() <= journal.profile.items()
    assert journal.profile["blocked_at"] == journal.profile["first_seen"] == T.isoformat()
    assert journal.moved["before"]["first_seen"] == (T + HOUR).isoformat()
    assert (journal.moved["before"]["is_vip"], journal.moved["before"]["blocked_at"]) == (False, None)
    # Words are in the profile alone, which is the part that is exported.
    assert "pro" not in json.dumps(journal.moved)


def test_joins_of_joins_are_all_in_the_journal(visitor: ChatUser, known: ChatUser):
    earlier = make_person(first_seen=T - HOUR)
    write(earlier, "earliest", T - HOUR)
    join(earlier, visitor)
    join(visitor, known)
    assert set(known.merges.values_list("merged_uuid", flat=True)) == {earlier.uuid, visitor.uuid}
    assert (known.first_seen, known.message_count) == (T - HOUR, 1)
    assert list(wrong()) == []


def test_nobody_is_joined_to_themselves(known: ChatUser):
    with pytest.raises(ValueError, match="themselves"):
        merge(source_id=known.pk, target_id=known.pk)
    assert ChatUser.objects.filter(pk=known.pk).exists()


def test_who_has_an_external_id_is_joined_to_nobody(known: ChatUser, told: list[Event]):
    other = make_person("Bob", external_id="bob-1")
    write(known, "private", T)
    told.clear()
    with pytest.raises(Gone):
        merge(source_id=known.pk, target_id=other.pk)
    assert (known.messages.count(), other.messages.count(), told) == (1, 0, [])


@pytest.mark.parametrize("erased", ["visitor", "known"])
def test_the_erased_are_not_joined(visitor: ChatUser, known: ChatUser, erased: str):
    write(visitor, "Hello", T)
    ChatUser.objects.filter(pk={"visitor": visitor, "known": known}[erased].pk).update(erased_at=T)
    with pytest.raises(Gone):
        merge(source_id=visitor.pk, target_id=known.pk)
    assert visitor.messages.count() == 1
    assert not MergeJournal.objects.exists()


def test_who_never_was_is_not_joined(known: ChatUser):
    for pair in ((known.pk + 1_000, known.pk), (known.pk, known.pk + 1_000)):
        with pytest.raises(Gone):
            merge(source_id=pair[0], target_id=pair[1])
    assert ChatUser.objects.filter(pk=known.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_join_twice_at_once_is_made_once():
    visitor, known = make_person(), make_person("Ann", external_id="ann-1")
    write(visitor, "Hello", T)
    results = together(*[lambda: merge(source_id=visitor.pk, target_id=known.pk)] * 4)
    assert sorted(type(result).__name__ for result in results) == ["ChatUser", "Gone", "Gone", "Gone"]
    assert (MergeJournal.objects.count(), known.messages.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_joins_that_cross_do_not_wait_for_each_other():
    for _ in range(5):
        first, second = make_person(), make_person()
        for person in (first, second):
            write(person, "Hello", T)
        results = together(
            lambda one=first.pk, other=second.pk: merge(source_id=one, target_id=other),  # type: ignore[misc]
            lambda one=first.pk, other=second.pk: merge(source_id=other, target_id=one),  # type: ignore[misc]
        )
        assert sorted(type(result).__name__ for result in results) == ["ChatUser", "Gone"]
        left = ChatUser.objects.get(pk__in=[first.pk, second.pk])
        assert left.message_count == left.messages.count() == 2
    assert list(wrong()) == []


@pytest.mark.django_db(transaction=True)
def test_who_writes_while_they_are_joined_loses_nothing():
    visitor, known = make_person(), make_person("Ann", external_id="ann-1")
    written: list[str] = []

    def write_on() -> None:
        for number in range(30):
            try:
                write(visitor, f"note {number}", timezone.now())
            except Gone:
                return
            written.append(f"note {number}")

    def join_both() -> None:
        write(known, "mine", timezone.now())
        merge(source_id=visitor.pk, target_id=known.pk)

    assert together(write_on, join_both) == [None, None]
    bodies = list(known.messages.order_by("pk").exclude(body="mine").values_list("body", flat=True))
    assert bodies == written
    known.refresh_from_db()
    assert known.message_count == len(written) + 1
    assert list(wrong()) == []
