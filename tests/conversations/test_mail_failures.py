"""A mail server that is down, says no, or hangs up: nothing is lost, nothing is doubled, nobody waits for another."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog.testing
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations import mailing
from conversations.mailing import mail_unread
from conversations.models import ActivityEvent, Message, Sender
from staff.models import Account
from tests.mails import MailServer, make_waiting, switch_on
from users.actions import correct_details
from users.models import ChatUser

MINUTE = dt.timedelta(minutes=1)
Serve = Callable[..., MailServer]


@pytest.fixture
def serve(db: None, settings: Settings) -> Iterator[Serve]:
    """Starts a mail server that answers so, and has the product use it instead of the one before."""
    switch_on(settings)
    running: list[MailServer] = []

    def start(**answers: str) -> MailServer:
        server = MailServer(**answers)
        running.append(server.__enter__())
        server.use(settings)
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def events() -> Iterator[list[dict[str, object]]]:
    """What is logged."""
    with structlog.testing.capture_logs() as logged:
        yield logged  # type: ignore[misc]


def unmailed() -> list[int]:
    """Whose replies are marked as not mailed."""
    left = Message.objects.filter(sender=Sender.STAFF, mailed_at=None).order_by("pk")
    return list(left.values_list("chat_user_id", flat=True))


def to(server: MailServer) -> list[str]:
    """Whom the mails went to that a server took."""
    heads = [line for text in server.mails for line in text.split("\r\n\r\n")[0].split("\r\n")]
    return [line.removeprefix("To: ") for line in heads if line.startswith("To: ")]


def test_several_go_over_one_connection(serve: Serve) -> None:
    people = [make_waiting()[0] for _ in range(3)]
    server = serve()
    assert mail_unread() == 3
    assert to(server) == [person.email for person in people]
    assert len([line for line in server.heard if line.startswith(("EHLO", "ehlo"))]) == 1
    assert unmailed() == []


def test_a_server_that_is_down_marks_nothing_and_delays_nobody(
    serve: Serve, settings: Settings, events: list[dict[str, object]]
) -> None:
    person, _ = make_waiting()
    other, _ = make_waiting()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        serve()
        settings.EMAIL_PORT = probe.getsockname()[1]
        assert mail_unread() == 0
    assert unmailed() == [person.pk, other.pk]
    assert [(event["event"], event["error"]) for event in events] == [
        ("mail.unreachable", "ConnectionRefusedError")
    ]
    server = serve()
    assert mail_unread() == 2
    assert to(server) == [person.email, other.email]


def test_an_address_that_is_refused_keeps_nobody_else_waiting(
    serve: Serve, events: list[dict[str, object]]
) -> None:
    person, _ = make_waiting()
    serve(RCPT="550 no such mailbox")
    assert mail_unread() == 0
    assert unmailed() == [person.pk]
    assert not ActivityEvent.objects.exists()
    other, _ = make_waiting()
    server = serve()
    assert mail_unread() == 1
    assert to(server) == [other.email]
    told = str(events)
    assert "mail.refused" in told
    assert person.email not in told and "mailbox" not in told


def test_what_is_refused_for_good_is_tried_once_more_after_half_a_day(serve: Serve) -> None:
    person, _ = make_waiting()
    serve(RCPT="550 no such mailbox")
    now = timezone.now()
    assert mail_unread(now) == 0
    assert mail_unread(now + 11.9 * 60 * MINUTE) == 0
    server = serve()
    assert mail_unread(now + 11.9 * 60 * MINUTE) == 0
    assert mail_unread(now + 12.1 * 60 * MINUTE) == 1
    assert to(server) == [person.email]


def test_what_is_not_taken_counts_nothing_of_what_an_address_gets_in_a_day(serve: Serve) -> None:
    person, _ = make_waiting()
    others = [make_waiting(email=person.email)[0] for _ in range(10)]
    now = timezone.now()
    refused = serve(RCPT="450 later")
    for number in range(2):
        assert mail_unread(now + number * 16 * MINUTE) == 0
    assert len([line for line in refused.heard if line.upper().startswith("RCPT")]) == 22
    server = serve()
    assert mail_unread(now + 32 * MINUTE) == 10
    assert to(server) == [person.email] * 10
    # The eleventh was kept back, which costs nothing either.
    assert unmailed() == [others[-1].pk]


def test_a_server_that_is_asked_to_stop_does_not_begin_another(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_waiting(minutes=12 - number / 2)[0] for number in range(2)]
    stopping, send = threading.Event(), mailing._send

    def stop_meanwhile(*args: Any) -> bool:
        stopping.set()
        return send(*args)

    monkeypatch.setattr(mailing, "_send", stop_meanwhile)
    monkeypatch.setattr(mailing, "is_stopping", stopping.is_set)
    server = serve()
    assert mail_unread() == 1
    assert to(server) == [people[0].email]
    assert unmailed() == [people[1].pk]
    people[1].refresh_from_db()
    assert people[1].mail_again_at is None
    stopping.clear()
    assert mail_unread() == 1


def test_a_corrected_address_is_mailed_at_once(serve: Serve, support: Account) -> None:
    person, _ = make_waiting()
    serve(RCPT="550 no such mailbox")
    assert mail_unread() == 0
    server = serve()
    assert mail_unread() == 0
    right = person.email.replace("site", "shop")
    correct_details(chat_user_id=person.pk, name=person.name, email=right, actor=support)
    assert mail_unread() == 1
    assert to(server) == [right]


@pytest.mark.parametrize("answers", [{"RCPT": "450 later"}, {"END": "451 later"}, {"DATA": "421 busy"}])
def test_not_now_is_tried_again_after_a_quarter_of_an_hour(serve: Serve, answers: dict[str, str]) -> None:
    person, _ = make_waiting()
    serve(**answers)
    assert mail_unread() == 0
    assert unmailed() == [person.pk]
    server = serve()
    now = timezone.now()
    assert mail_unread(now + 14 * MINUTE) == 0
    assert mail_unread(now + 16 * MINUTE) == 1
    assert to(server) == [person.email]
    assert mail_unread(now + 90 * MINUTE) == 0


@pytest.mark.parametrize("answers", [{"MAIL": ""}, {"DATA": ""}, {"MAIL": "550 who are you"}])
def test_trouble_with_the_server_ends_the_sweep(
    serve: Serve, answers: dict[str, str], events: list[dict[str, object]]
) -> None:
    person, _ = make_waiting(minutes=12)
    other, _ = make_waiting(minutes=11)
    first = serve(**answers)
    assert mail_unread() == 0
    assert unmailed() == [person.pk, other.pk]
    assert len([line for line in first.heard if line.upper().startswith("MAIL")]) == 1
    assert [event["event"] for event in events] == ["mail.unreachable"]
    server = serve()
    assert mail_unread() == 1
    assert to(server) == [other.email]
    assert mail_unread(timezone.now() + 16 * MINUTE) == 1
    assert to(server)[1:] == [person.email]


def test_what_can_not_be_written_down_as_a_mail_keeps_nobody_waiting(
    serve: Serve, events: list[dict[str, object]]
) -> None:
    broken, _ = make_waiting(email="no address, at all\r\nBcc: everybody@site.example", minutes=12)
    person, _ = make_waiting(minutes=11)
    server = serve()
    assert mail_unread() == 1
    assert to(server) == [person.email]
    assert "everybody" not in "".join(server.heard) + "".join(server.mails)
    assert unmailed() == [broken.pk]
    assert [event["event"] for event in events] == ["mail.refused", "mail.sent"]
    assert "everybody" not in str(events)


def test_the_same_replies_have_the_same_number_when_they_go_again(serve: Serve) -> None:
    make_waiting()
    first = serve()
    assert mail_unread() == 1
    # As if its answer had never come.
    Message.objects.update(mailed_at=None)
    ChatUser.objects.update(mail_again_at=None)
    assert mail_unread() == 1
    numbers = [line for text in first.mails for line in text.split("\r\n") if line.startswith("Message-ID:")]
    assert len(numbers) == 2 and len(set(numbers)) == 1


def test_a_process_that_dies_between_mark_and_mail_doubles_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing catches it."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    make_waiting()
    server = serve()
    with monkeypatch.context() as patch:
        patch.setattr(mailing, "mail_about", die)
        with pytest.raises(Killed):
            mail_unread()
    assert unmailed() == []
    for hours in (0, 2, 12):
        assert mail_unread(timezone.now() + hours * 60 * MINUTE) == 0
    assert server.mails == []
    other, _ = make_waiting()
    assert mail_unread() == 1
    assert to(server) == [other.email]


def test_somebody_erased_while_their_mail_leaves_is_left_alone(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, _ = make_waiting()
    write = mailing.mail_about

    def erased_meanwhile(whom: ChatUser, *args: object, **fields: object) -> object:
        ChatUser.objects.filter(pk=whom.pk).update(erased_at=timezone.now())
        return write(whom, *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(mailing, "mail_about", erased_meanwhile)
    server = serve()
    assert mail_unread() == 1
    assert to(server) == [person.email]
    assert not ActivityEvent.objects.exists()
    other, _ = make_waiting()
    serve(RCPT="550 no")
    assert mail_unread() == 0
    other.refresh_from_db()
    assert other.erased_at is not None
