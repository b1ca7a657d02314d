"""Erasing a person: everything of theirs goes, nothing of anybody else's, whatever happens in between."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from chatadmin.lib.bus import Event
from conversations.actions import Gone, NewMessage, write_message
from conversations.models import Message
from exports import erasure
from exports.erasure import Held, erase, resume_unfinished
from exports.models import Erasure
from exports.register import CHILDREN, REGISTER
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import START, make_marked
from tests.exports.sweep import places_of
from tests.factories import make_messages, make_person
from users import mail_stops, presence
from users.models import ChatUser, Tag, Tagging, VisitorToken
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)

COUNTS = {
    "browsers": 1,
    "messages": 5,
    "activity": 1,
    "visits": 1,
    "conversations": 2,
    "tags": 1,
    "notes": 1,
    "merges": 1,
    "requests": 1,
    "profile": 1,
}
HOLDING = {
    "users_chatuser",
    "users_visit",
    "users_visitortoken",
    "users_note",
    "conversations_message",
    "conversations_activityevent",
    "conversations_mergejournal",
    "exports_claim",
}


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What goes out on the bus, after its commit."""
    out: list[Event] = []
    monkeypatch.setattr("chatadmin.lib.bus._publish", out.extend)
    return out


def test_everything_of_one_person_goes_and_everything_of_the_other_stays(admin: Account) -> None:
    goes, stays = make_marked("zebrafin"), make_marked("quokkabay")
    assert places_of("zebrafin") >= HOLDING
    before = places_of("quokkabay")
    assert before >= HOLDING
    held = {entry.name: entry.rows_of(stays.person.pk).count() for entry in REGISTER}

    result = erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="subject_request", ticket="CS-12")

    assert result.counts == COUNTS
    assert result.overwritten
    assert places_of("zebrafin") == set()
    assert places_of(str(goes.person.uuid)) == places_of(goes.person.uuid.hex) == set()
    assert places_of("quokkabay") == before
    assert {entry.name: entry.rows_of(stays.person.pk).count() for entry in REGISTER} == held
    assert Tagging.objects.get().tag == Tag.objects.get(), "the tag stays, on the other"


def test_what_remains_says_who_why_and_how_much_but_not_whom(admin: Account) -> None:
    person = make_marked("zebrafin").person
    erase(chat_user_uuid=person.uuid, actor=admin, reason="abuse", ticket="T-9")
    line = AuditEntry.objects.get(verb="user.erased")
    remains = Erasure.objects.get()
    assert line.actor == admin
    assert line.person_hash == remains.person_hash == audit.person_hash(person.uuid)
    assert line.detail == {"erasure": str(remains.pk), "reason": "abuse", "ticket": "T-9", "counts": COUNTS}
    assert (remains.reason, remains.ticket, remains.counts) == ("abuse", "T-9", COUNTS)
    assert remains.started_at <= remains.rows_gone_at <= remains.finished_at
    assert list(audit.entries_about(person.uuid)) == [line]


def test_that_their_address_wants_no_mail_outlives_them_as_a_hash(admin: Account) -> None:
    person = make_marked("zebrafin").person
    address = mail_stops.address_hash(person.email)
    mail_stops.stop(address)
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert mail_stops.is_stopped(address)
    assert places_of(address) == {"users_mailstop"}
    assert places_of("zebrafin") == set()


def test_many_rows_go_in_short_transactions(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "CHUNK_ROWS", 4)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"said {number}") for number in range(10)])
    chunks: list[tuple[str, int]] = []
    remove = erasure._remove_chunk

    def noted(declared: Any, *args: Any) -> int:
        assert not connection.in_atomic_block
        removed = remove(declared, *args)
        chunks.append((declared.name, removed))
        return removed

    monkeypatch.setattr(erasure, "_remove_chunk", noted)
    result = erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert [removed for name, removed in chunks if name == "messages"] == [4, 4, 2]
    assert result.counts == {"messages": 10, "conversations": 1, "profile": 1}


def test_from_the_first_commit_on_they_are_nowhere(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    goes = make_marked("zebrafin")
    seen: list[tuple[bool, set[str]]] = []

    def look(*args: Any) -> None:
        seen.append((living().filter(uuid=goes.person.uuid).exists(), places_of("namezebrafin")))
        raise KeyboardInterrupt

    monkeypatch.setattr(erasure, "_remove_chunk", look)
    with pytest.raises(KeyboardInterrupt):
        erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert seen == [(False, set())], "no page, no column, no search row has the name"
    tombstone = ChatUser.objects.get(uuid=goes.person.uuid)
    assert tombstone.erased_at
    assert (tombstone.email, tombstone.external_id, tombstone.traits, tombstone.browser) == ("", None, {}, "")


def test_open_sockets_are_told_once_it_is_committed(admin: Account, events: list[Event]) -> None:
    person = make_person("Ana")
    presence.store().touch([(str(person.uuid), "socket")])
    assert presence.online([person.uuid])
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert [event for event in events if event.name == "user.erased"] == [
        Event("user.erased", str(person.uuid))
    ]
    assert not presence.online([person.uuid])


def test_a_held_person_stays_whole(admin: Account, events: list[Event]) -> None:
    marked = make_marked("zebrafin")
    ChatUser.objects.filter(pk=marked.person.pk).update(held_at=START)
    before = places_of("zebrafin")
    with pytest.raises(Held):
        erase(chat_user_uuid=marked.person.uuid, actor=admin, reason="test")
    assert places_of("zebrafin") == before
    assert not Erasure.objects.exists()
    assert events == []
    assert living().filter(pk=marked.person.pk).exists()


@pytest.mark.parametrize(
    ("reason", "ticket"),
    [("because", ""), ("", ""), ("test", "Ana Okafor"), ("test", "x" * 41), ("test", "a\n")],
)
def test_free_text_never_gets_in(admin: Account, reason: str, ticket: str) -> None:
    person = make_person("Ana")
    with pytest.raises(ValueError, match="reason or ticket"):
        erase(chat_user_uuid=person.uuid, actor=admin, reason=reason, ticket=ticket)
    assert living().filter(pk=person.pk).exists()


def test_nobody_is_erased_twice(admin: Account) -> None:
    person = make_person("Ana")
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    for unknown in (person.uuid, uuid.uuid4()):
        with pytest.raises(ChatUser.DoesNotExist):
            erase(chat_user_uuid=unknown, actor=admin, reason="test")
    assert Erasure.objects.count() == AuditEntry.objects.filter(verb="user.erased").count() == 1


class Killed(BaseException):
    """Stands for the end of the process."""


def killing(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """Ends the process before the `step`-th transaction after the tombstone. Returns how many there were."""
    taken = 0

    def wrap(name: str) -> None:
        real = getattr(erasure, name)

        def counted(*args: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == step:
                raise Killed
            return real(*args)

        monkeypatch.setattr(erasure, name, counted)

    for name in ("_remove_chunk", "_remove_person", "_finish"):
        wrap(name)
    return lambda: taken


def test_killed_anywhere_it_goes_on(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "CHUNK_ROWS", 2)
    other = make_marked("quokkabay")
    before = places_of("quokkabay")
    step = 0
    while True:
        step += 1
        goes = make_marked("zebrafin")
        with monkeypatch.context() as patched:
            taken = killing(patched, step)
            try:
                erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="retention", ticket="R-1")
                break
            except Killed:
                assert taken() == step
        assert resume_unfinished() == 1
        assert places_of("zebrafin") == set(), step
        done = Erasure.objects.order_by("-started_at")[0]
        assert (done.counts, done.actor, done.reason, done.ticket) == (COUNTS, admin, "retention", "R-1"), (
            step
        )
        assert done.finished_at
    assert step > 12
    assert resume_unfinished() == 0
    assert places_of("quokkabay") == before
    assert living().get() == other.person
    assert AuditEntry.objects.filter(verb="user.erased").count() == Erasure.objects.count() == step


def test_one_that_fails_keeps_no_other_from_going_on(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make_person(name) for name in ("Ana", "Bo")]
    ChatUser.objects.update(erased_at=START)
    real = erasure._remove_person

    def failing(person: uuid.UUID, *args: Any) -> bool:
        if person == people[0].uuid:
            raise RuntimeError
        return real(person, *args)

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "_remove_person", failing)
        assert resume_unfinished() == 1
    assert ChatUser.objects.get() == people[0]
    assert resume_unfinished() == 1
    assert not ChatUser.objects.exists()


def test_who_writes_on_meets_the_tombstone(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "before"))
    refused = 0
    remove = erasure._remove_chunk

    def written_between(*args: Any) -> int:
        nonlocal refused
        with pytest.raises(Gone):
            write_message(NewMessage(chat_user_id=person.pk, sender="visitor", body="meanwhile"))
        refused += 1
        return remove(*args)

    monkeypatch.setattr(erasure, "_remove_chunk", written_between)
    erase(chat_user_uuid=person.uuid, actor=admin, reason="abuse")
    assert refused == len(CHILDREN)
    assert not Message.objects.exists()


def test_a_row_that_came_in_past_the_tombstone_goes_too(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person("Ana")
    remove = erasure._remove_chunk
    slipped: list[VisitorToken] = []

    def slips_in(declared: Any, *args: Any) -> int:
        removed = remove(declared, *args)
        if declared is CHILDREN[-1] and not slipped:
            slipped.append(VisitorToken.objects.create(chat_user=person, token_hash="late"))
        return removed

    monkeypatch.setattr(erasure, "_remove_chunk", slips_in)
    make_messages(person, ("visitor", "before"))
    result = erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert slipped
    assert result.counts["browsers"] == 1
    assert not VisitorToken.objects.exists()


def test_somebody_who_writes_all_the_time_is_erased_whole(admin: Account) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "first"))
    started, written, ended = threading.Event(), [], []

    def write_on() -> None:
        try:
            for number in range(2_000):
                item = NewMessage(chat_user_id=person.pk, sender="visitor", body=f"zebrafin {number}")
                written.append(write_message(item).message.pk)
                started.set()
                time.sleep(0.002)  # SQLite's lock goes to whoever asks first, so leave a gap to ask in
        except Gone:
            ended.append("gone")
        finally:
            started.set()
            connection.close()

    writer = threading.Thread(target=write_on)
    writer.start()
    started.wait(20)
    result = erase(chat_user_uuid=person.uuid, actor=admin, reason="abuse")
    writer.join(60)
    assert ended == ["gone"]
    assert written
    assert result.counts["messages"] == 1 + len(written)
    assert places_of("zebrafin") == set()
    assert not ChatUser.objects.exists()


def test_two_who_press_the_button_at_once(
    admin: Account, owner: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "CHUNK_ROWS", 3)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"said {number}") for number in range(40)])
    buried = threading.Barrier(2, timeout=20)
    bury, results = erasure._bury, []

    def both_bury(*args: Any) -> Any:
        try:
            return bury(*args)
        finally:
            buried.wait()

    monkeypatch.setattr(erasure, "_bury", both_bury)

    def press(actor: Account) -> None:
        try:
            results.append(erase(chat_user_uuid=person.uuid, actor=actor, reason="test"))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[actor]) for actor in (admin, owner)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [result.counts for result in results] == [{"messages": 40, "conversations": 1, "profile": 1}] * 2
    assert Erasure.objects.count() == AuditEntry.objects.filter(verb="user.erased").count() == 1


def test_it_refuses_to_be_part_of_a_longer_transaction(admin: Account) -> None:
    person = make_person("Ana")
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert living().filter(pk=person.pk).exists()
