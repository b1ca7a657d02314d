"""Which unread replies are mailed, and what keeps a mail back: each rule beside a mail that goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations import mailing
from conversations.actions import mark_read
from conversations.mailing import mail_unread, missing
from conversations.models import ActivityEvent, EventKind, Message, Sender
from staff.models import Widget
from tests.factories import make_messages, make_person
from tests.mails import make_waiting, new_address, reply, switch_on
from tests.threads import together
from users import mail_stops
from users.models import ChatUser

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def site(db: None, settings: Settings) -> Widget:
    """A widget whose unread replies are mailed."""
    return switch_on(settings)


def mailed() -> list[str]:
    """Who was sent a mail since this was last asked."""
    found = [address for message in mail.outbox for address in message.to]
    mail.outbox.clear()
    return found


def test_what_was_unread_for_ten_minutes_goes_out(site: Widget) -> None:
    person, (said,) = make_waiting(minutes=10.1)
    fresh, _ = make_waiting(minutes=9.5)
    assert mail_unread() == 1
    assert mailed() == [person.email]
    said.refresh_from_db()
    assert said.mailed_at is not None and said.read_at is None
    assert mail_unread(timezone.now() + MINUTE) == 1
    assert mailed() == [fresh.email]


def test_nothing_goes_out_twice(site: Widget) -> None:
    person, _ = make_waiting()
    assert mail_unread() == 1
    for hours in (0, 2, 12):
        assert mail_unread(timezone.now() + hours * HOUR) == 0
    assert mailed() == [person.email]


def test_all_that_is_unread_goes_in_one_mail(site: Widget) -> None:
    person, _ = make_waiting("First", "Second")
    reply(person, "Just now")
    assert mail_unread() == 1
    (message,) = mail.outbox
    places = [message.body.index(text) for text in ("First", "Second", "Just now")]
    assert places == sorted(places)
    assert not Message.objects.filter(sender=Sender.STAFF, mailed_at=None).exists()


def test_the_timeline_says_so(site: Widget) -> None:
    person, _ = make_waiting("One", "Two")
    mail_unread()
    event = ActivityEvent.objects.get(chat_user=person)
    assert (event.kind, event.data) == (EventKind.MAILED, {"replies": 2})


def change(person: ChatUser, **fields: Any) -> None:
    ChatUser.objects.filter(pk=person.pk).update(**fields)


def change_replies(person: ChatUser, **fields: Any) -> None:
    Message.objects.filter(chat_user=person, sender=Sender.STAFF).update(**fields)


def as_imported(person: ChatUser) -> None:
    """With an id below zero, as an import writes it."""
    old = Message.objects.get(chat_user=person, sender=Sender.STAFF)
    number = old.pk
    old.delete()
    reply(person, old.body, at=old.created_at, id=-number)


BACK: dict[str, Callable[[ChatUser], object]] = {
    "no address": lambda person: change(person, email=""),
    "erased": lambda person: change(person, erased_at=timezone.now()),
    "blocked": lambda person: change(person, blocked_at=timezone.now()),
    "resting": lambda person: change(person, mail_again_at=timezone.now() + HOUR),
    "stopped": lambda person: mail_stops.stop(mail_stops.address_hash(person.email)),
    "never wrote": lambda person: Message.objects.filter(chat_user=person, sender="visitor").delete(),
    "read": lambda person: mark_read(chat_user_id=person.pk, side="visitor", up_to=2**40),
    "mailed": lambda person: change_replies(person, mailed_at=timezone.now()),
    "a bot's": lambda person: change_replies(person, sender="bot"),
    "our notice": lambda person: change_replies(person, sender="system"),
    "a day old": lambda person: change_replies(person, created_at=timezone.now() - 24.1 * HOUR),
    "imported": as_imported,
}


@pytest.mark.parametrize("why", BACK)
def test_what_keeps_a_mail_back(site: Widget, why: str) -> None:
    other, _ = make_waiting()
    person, _ = make_waiting()
    BACK[why](person)
    assert mail_unread() == 1
    assert mailed() == [other.email]


@pytest.mark.parametrize("why", ["erased", "blocked", "read", "stopped", "no address", "mailed"])
def test_it_is_looked_at_again_under_the_lock(
    site: Widget, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the search and the mail somebody is erased, blocked, reads, says stop."""
    other, _ = make_waiting()
    person, _ = make_waiting()
    find = mailing.waiting

    def found(now: dt.datetime) -> list[int]:
        people = list(find(now))
        assert person.pk in people
        BACK[why](person)
        return people

    monkeypatch.setattr(mailing, "waiting", found)
    assert mail_unread() == 1
    assert mailed() == [other.email]


def test_what_is_left_unread_meanwhile_waits_its_own_ten_minutes(
    site: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, (old,) = make_waiting()
    (fresh,) = reply(person, "Just now")
    monkeypatch.setattr(mailing, "waiting", lambda now: [person.pk])
    mark_read(chat_user_id=person.pk, side="visitor", up_to=old.pk)
    assert mail_unread() == 0
    assert mail_unread(fresh.created_at + 10.1 * MINUTE) == 1
    assert mailed() == [person.email]


def test_an_old_one_is_not_sent_along_with_a_newer(site: Widget) -> None:
    person, (new,) = make_waiting("From today")
    (old,) = reply(person, "From the day before", at=timezone.now() - 25 * HOUR)
    assert mail_unread() == 1
    (message,) = mail.outbox
    assert "From today" in message.body and "the day before" not in message.body
    assert Message.objects.get(mailed_at=None, sender=Sender.STAFF) == old
    assert Message.objects.exclude(mailed_at=None).get() == new


def test_it_is_off_until_a_widget_wants_it(site: Widget, settings: Settings) -> None:
    person, _ = make_waiting()
    Widget.objects.update(mail_replies=False)
    assert mail_unread() == 0
    Widget.objects.update(mail_replies=True)
    settings.MAIL_ON = False
    assert missing() == ["EMAIL_URL"]
    assert mail_unread() == 0
    settings.MAIL_ON, settings.PUBLIC_URL = True, ""
    assert missing() == ["PUBLIC_URL"]
    assert mail_unread() == 0
    settings.PUBLIC_URL = "https://chat.example"
    assert missing() == []
    assert mail_unread() == 1
    assert mailed() == [person.email]


def test_one_an_hour_for_a_person(site: Widget) -> None:
    person, _ = make_waiting()
    assert mail_unread() == 1
    person.refresh_from_db()
    reply(person, "And another thing")
    now = timezone.now()
    assert mail_unread(now + 30 * MINUTE) == 0
    assert mail_unread(now + 61 * MINUTE) == 1
    assert mailed() == [person.email] * 2


def test_an_address_gets_ten_a_day_whoever_gives_it(site: Widget) -> None:
    """Upper case and what stands behind a plus are the same mailbox."""
    one = new_address()
    people = [
        make_waiting(email=one.replace("@", f"+{number}@") if number % 2 else one.upper())[0]
        for number in range(12)
    ]
    other, _ = make_waiting(minutes=10.5)
    assert mail_unread() == 11
    assert mailed() == [*(person.email for person in people[:10]), other.email]
    left = Message.objects.filter(sender=Sender.STAFF, mailed_at=None)
    assert {message.chat_user_id for message in left} == {person.pk for person in people[10:]}


def test_a_stop_holds_for_whoever_gives_the_address_next(site: Widget) -> None:
    person, _ = make_waiting()
    mail_stops.stop(mail_stops.address_hash(person.email))
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now(), email="")
    again, _ = make_waiting(email=person.email.upper())
    assert mail_unread() == 0
    mail_stops.resume(mail_stops.address_hash(person.email))
    assert mail_unread(timezone.now() + 2 * HOUR) == 1
    assert mailed() == [again.email]


def test_those_who_are_passed_over_hide_nobody(site: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "LOOKED_AT", 3)
    for _ in range(7):
        make_waiting(email="", minutes=20)
    person, _ = make_waiting(minutes=15)
    for _ in range(4):
        make_waiting(email="", minutes=12)
    last, _ = make_waiting(minutes=11)
    assert mail_unread() == 2
    assert mailed() == [person.email, last.email]


def test_a_page_ends_within_one_moment(site: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "LOOKED_AT", 2)
    since = timezone.now() - 11 * MINUTE
    people = [make_waiting()[0] for _ in range(5)]
    Message.objects.filter(sender=Sender.STAFF).update(created_at=since)
    assert mail_unread() == 5
    assert mailed() == [person.email for person in people]


def test_a_sweep_ends_in_time_and_the_next_goes_on(site: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make_waiting(minutes=20 - number)[0] for number in range(3)]
    monkeypatch.setattr(mailing, "MOST_SECONDS", 0.0)
    for person in people:
        assert mail_unread() == 1
        assert mailed() == [person.email]
    assert mail_unread() == 0


def test_somebody_who_only_was_written_to_gets_none_until_they_write(site: Widget) -> None:
    person = make_person("Ada", new_address())
    reply(person, "Hello?", at=timezone.now() - 11 * MINUTE)
    assert mail_unread() == 0
    make_messages(person, (Sender.VISITOR, "Yes?"))
    assert mail_unread(timezone.now() + 61 * MINUTE) == 1
    assert mailed() == [person.email]


@pytest.mark.django_db(transaction=True)
def test_sweeps_of_two_servers_send_one(settings: Settings) -> None:
    switch_on(settings)
    people = [make_waiting()[0] for _ in range(5)]
    assert sum(sent for sent in together(mail_unread, mail_unread) if isinstance(sent, int)) == 5
    assert sorted(mailed()) == sorted(person.email for person in people)
