"""What a mail about unread replies says, and that no stranger has a word in it."""

from __future__ import annotations

import email.policy
from email.message import EmailMessage as Read
from email.parser import BytesParser

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from conversations.mail_text import REPLY_CHARS
from conversations.mailing import SHOWN, mail_unread
from conversations.models import ActivityEvent, EventKind, Kind
from staff.models import Widget
from tests.factories import make_messages
from tests.mails import PUBLIC_URL, make_waiting, reply, switch_on
from users import mail_stops
from users.models import ChatUser


@pytest.fixture
def site(db: None, settings: Settings) -> Widget:
    settings.DEFAULT_FROM_EMAIL = "Northpine <chat@northpine.example>"
    return switch_on(settings, allowed_origins=["https://shop.example", "self"])


def sent() -> Read:
    """The one mail that goes out, as a mail program reads it."""
    assert mail_unread() == 1
    (message,) = mail.outbox
    wire = bytes(message.message())
    return BytesParser(_class=Read, policy=email.policy.default).parsebytes(wire)  # type: ignore[return-value]


def body_of(read: Read) -> str:
    return str(read.get_content()).replace("\r\n", "\n")


def text() -> str:
    return body_of(sent())


def test_it_says_who_said_what_and_why_they_get_it(site: Widget) -> None:
    person, _ = make_waiting("It left today.\nYou'll have it on Friday — ありがとう 🎉")
    read = sent()
    assert read["To"] == person.email
    assert read["From"] == "Northpine <chat@northpine.example>"
    assert read["Subject"] == "Northpine: a reply to your message"
    body = body_of(read)
    assert "A reply is waiting for you" in body
    assert "Dana Whitfield, " in body and "UTC:" in body
    assert "It left today.\nYou'll have it on Friday — ありがとう 🎉" in body
    assert "or somebody who gave your address" in body
    assert body.count(PUBLIC_URL) == 1


def test_its_link_stops_them(site: Widget) -> None:
    person, _ = make_waiting()
    read = sent()
    link = f"{PUBLIC_URL}/mail/stop/{mail_stops.stop_token(mail_stops.address_hash(person.email))}/"
    assert link in body_of(read).splitlines()
    assert read["List-Unsubscribe"].strip() == f"<{link}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert person.email.split("@")[0] not in link


def test_nothing_answers_it_by_itself(site: Widget) -> None:
    make_waiting()
    read = sent()
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["X-Auto-Response-Suppress"] == "All"
    assert read["Message-ID"].endswith("@northpine.example>")
    assert read.get_content_type() == "text/plain"


def test_several_replies_are_counted(site: Widget) -> None:
    person, _ = make_waiting("One", "Two")
    reply(person, "", kind=Kind.FILE, data={"name": "plan.pdf", "url": "https://f.example/1"})
    body = text()
    assert "3 replies are waiting" in body
    assert "File: plan.pdf\nhttps://f.example/1" in body


def test_a_long_one_is_cut_and_many_are_counted(site: Widget) -> None:
    long = "x" * (REPLY_CHARS + 1)
    make_waiting(long, *(f"number {at}." for at in range(1, SHOWN + 2)))
    body = text()
    assert "x" * REPLY_CHARS + "… [the rest is in the chat]" in body and long not in body
    assert f"number {SHOWN - 1}." in body and f"number {SHOWN}." not in body
    assert "And 2 more in the chat." in body


def test_what_is_short_is_neither_cut_nor_counted(site: Widget) -> None:
    make_waiting("x" * REPLY_CHARS)
    body = text()
    assert "the rest" not in body and "more in the chat" not in body


def test_nothing_that_the_visitor_chose_is_in_it(site: Widget) -> None:
    person, _ = make_waiting()
    ChatUser.objects.filter(pk=person.pk).update(
        name="WIN http://evil.example", external_id="WIN-id", traits={"plan": "WIN"}
    )
    make_messages(person, ("visitor", "WIN at evil.example"), author_name="WIN")
    page = {"url": "https://evil.example/WIN", "title": "WIN"}
    ActivityEvent.objects.create(chat_user=person, kind=EventKind.PAGE, data=page)
    read = sent()
    assert "It left today." in body_of(read)
    assert "WIN" not in read.as_string() and "evil" not in read.as_string()


@pytest.mark.parametrize("line", ["\r\nBcc: evil@evil.example", "\nX: y", "\r", "\u2028Bcc: x", "\u202e"])
def test_neither_name_nor_title_makes_a_header(site: Widget, line: str) -> None:
    Widget.objects.filter(pk=site.pk).update(title=f"North{line}pine")
    person, _ = make_waiting()
    reply(person, "Hi", author_name=f"Dana{line}Whitfield")
    read = sent()
    assert read["Subject"].startswith("North") and read["Subject"].endswith("pine: a reply to your message")
    assert set(read.keys()) == {
        *("Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date"),
        *("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted"),
        "X-Auto-Response-Suppress",
    }
    names = [text for text in body_of(read).splitlines() if text.startswith("Dana")]
    assert len(names) == 2 and all("Whitfield, " in name for name in names)


def test_a_reply_is_not_markup(site: Widget) -> None:
    make_waiting("1 < 2 & \"this\" > 'that' {{ title }}")
    assert "1 < 2 & \"this\" > 'that' {{ title }}" in text()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        # Where a visitor says they are is theirs to choose, and so a text: the site's first page stands for it.
        ("https://shop.example/plans/pro", "https://shop.example/"),
        ("https://shop.example/YOUR.ACCOUNT.IS.CLOSED-call-0900-123", "https://shop.example/"),
        ("https://shop.example/a?next=https://evil.example#x", "https://shop.example/"),
        ("https://SHOP.example", "https://shop.example/"),
        (f"{PUBLIC_URL}/widget/demo/", f"{PUBLIC_URL}/"),
        ("https://shop.example/go/https://evil.example", "https://shop.example/"),
        ("https://shop.example//evil.example", "https://shop.example/"),
        ("https://shop.example/%0aBcc:x", "https://shop.example/"),
        ("https://shop.example/" + "a" * 300, "https://shop.example/"),
        ("https://evil.example/", ""),
        ("http://shop.example/", ""),
        ("https://shop.example:444/", ""),
        ("https://shop.example@evil.example/", ""),
        ("https://evil.example/https://shop.example/", ""),
        ("javascript:alert(1)//shop.example", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_the_site_to_go_on_at_is_one_of_ours(site: Widget, url: object, shown: str) -> None:
    person, _ = make_waiting()
    older = {"url": "https://shop.example/older"}
    ActivityEvent.objects.create(chat_user=person, kind=EventKind.VISIT, data=older)
    ActivityEvent.objects.create(chat_user=person, kind=EventKind.PAGE, data={"url": url})
    ActivityEvent.objects.create(chat_user=person, kind=EventKind.WIDGET_OPENED, data={})
    body = text()
    if shown:
        assert f"open the chat on our site:\n{shown}\n" in body
    else:
        assert "open the chat on our site, in the same browser." in body
        assert "shop.example" not in body
    assert "evil" not in body and "ACCOUNT" not in body
