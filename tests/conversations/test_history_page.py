"""The conversations tab: each message with all that the contract promises, loaded part by part."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from conversations.history import PAGE_MESSAGES
from conversations.models import Message
from staff.audit import entries_about
from tests.factories import make_messages, make_person
from tests.users.pages import errors_of, text_of
from users.models import ChatUser

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def articles(page: str) -> list[str]:
    return re.findall(r"<article.*?</article>", page, re.DOTALL)


def bodies(page: str) -> list[str]:
    return re.findall(r'<div class="message-body" dir="auto">(.*?)</div>', page, re.DOTALL)


def page_of(client: Client, person: ChatUser, **given: object) -> str:
    answer = client.get(f"/users/{person.uuid}/conversations/", given)
    assert answer.status_code == 200
    return text_of(answer)


def test_messages_say_whose_they_are_of_what_kind_and_whether_read(support_client: Client) -> None:
    person = make_person("Ada")
    theirs, ours, bot = make_messages(
        person, ("visitor", "Hello?"), ("staff", "Hello!"), ("bot", "Beep"), start=START
    )
    Message.objects.filter(pk=ours.pk).update(read_at=START + dt.timedelta(minutes=5), author_name="Dana")
    first, second, third = articles(page_of(support_client, person))
    assert f'data-message="{theirs.pk}" data-from="visitor" data-kind="text" data-read="false"' in first
    assert 'datetime="2026-03-02T09:00:00Z"' in first
    assert "Text" in first
    assert "Unread" in first
    assert f'data-message="{ours.pk}" data-from="staff" data-kind="text" data-read="true"' in second
    assert "Dana" in second
    assert re.search(r"✓✓</span> Read <time[^>]*>09:05", second)
    assert f'data-message="{bot.pk}" data-from="bot"' in third
    assert re.search(r"✓</span> Sent", third)


def test_a_reply_that_was_mailed_says_so_until_it_is_read(support_client: Client) -> None:
    person = make_person("Ada")
    _, ours, _ = make_messages(
        person, ("visitor", "Hello?"), ("staff", "Hello!"), ("staff", "Still there?"), start=START
    )
    mailed = Message.objects.filter(pk=ours.pk)
    mailed.update(mailed_at=START + dt.timedelta(minutes=15))
    _, first, second = articles(page_of(support_client, person))
    assert re.search(r"✓</span> Sent by e-mail <time[^>]*>09:15", first)
    assert 'data-read="false"' in first
    assert "e-mail" not in second
    mailed.update(read_at=START + dt.timedelta(minutes=20))
    _, first, _ = articles(page_of(support_client, person))
    assert re.search(r"✓✓</span> Read <time[^>]*>09:20", first)
    assert "e-mail" not in first


def test_ids_of_four_digits_are_written_without_a_separator(support_client: Client) -> None:
    person = make_person("Ada")
    (message,) = make_messages(person, ("visitor", "Hello?"))
    Message.objects.filter(pk=message.pk).update(id=1_234_567)
    page = page_of(support_client, person)
    assert 'data-message="1234567"' in page
    assert 'id="m1234567"' in page
    assert 'data-slot="read-1234567"' in page


def test_text_is_kept_and_only_web_addresses_are_links(support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "  <b>a</b>\n b@site.example javascript:x https://site.example/x"))
    (body,) = bodies(page_of(support_client, person))
    assert body.startswith("  &lt;b&gt;a&lt;/b&gt;\n b@site.example javascript:x <a href=")
    assert body.count("<a ") == 1
    assert 'rel="nofollow noopener noreferrer"' in body


def test_files_are_named_links_and_never_loaded(support_client: Client) -> None:
    person = make_person("Ada")
    file, image, odd = make_messages(person, ("visitor", ""), ("visitor", ""), ("visitor", ""))
    address = "https://files.example/a.pdf"
    Message.objects.filter(pk=file.pk).update(
        kind="file", data={"name": "a.pdf", "size": 188_416, "url": address}
    )
    Message.objects.filter(pk=image.pk).update(
        kind="image", data={"name": "b.png", "url": "https://files.example/b"}
    )
    Message.objects.filter(pk=odd.pk).update(kind="file", data={"url": "javascript:alert(1)"})
    page = page_of(support_client, person)
    first, second, third = articles(page)
    assert (
        f'<a href="{address}" target="_blank" rel="nofollow noopener noreferrer" dir="auto">a.pdf</a>'
        in first
    )
    assert "184.0" in first
    assert "File" in first
    assert "b.png</a>" in second
    assert "Image" in second
    assert "Unnamed file" in third
    assert "<a " not in third
    assert "<img" not in page


def test_forms_are_fields(support_client: Client) -> None:
    person = make_person("Ada")
    (message,) = make_messages(person, ("visitor", ""))
    Message.objects.filter(pk=message.pk).update(
        kind="form", data={"fields": [{"label": "Order <no>", "value": 7}]}
    )
    (article,) = articles(page_of(support_client, person))
    assert '<dt dir="auto">Order &lt;no&gt;</dt>' in article
    assert '<dd dir="auto">7</dd>' in article


def test_a_line_says_where_the_unread_begins(support_client: Client) -> None:
    person = make_person("Ada")
    read, _, _ = make_messages(person, ("visitor", "one"), ("visitor", "two"), ("visitor", "three"))
    Message.objects.filter(pk=read.pk).update(read_at=timezone.now())
    ChatUser.objects.update(unread_count=2)
    page = page_of(support_client, person)
    assert re.search(r"data-new=\"New\" data-unread-line>2 unread", page)
    assert page.index("one</div>") < page.index("data-unread-line") < page.index("two</div>")


def test_nothing_said_yet_is_said(support_client: Client) -> None:
    page = page_of(support_client, make_person("Ada"))
    assert "No messages yet" in page
    assert "data-log" in page


def test_older_messages_are_a_link_and_come_as_a_part(support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, *(("visitor", f"line {n}") for n in range(PAGE_MESSAGES + 5)), start=START)
    page = page_of(support_client, person)
    assert len(articles(page)) == PAGE_MESSAGES
    link = re.search(r'href="([^"]+)" hx-get="\1"', page).group(1)
    whole = text_of(support_client.get(link))
    assert "<html" in whole
    assert bodies(whole) == [f"line {n}" for n in range(5)]
    assert "data-log" not in whole.partition('id="log"')[2].partition(">")[0]
    answer = support_client.get(link, headers=FRAGMENT)
    part = text_of(answer)
    assert "<html" not in part
    assert bodies(part) == bodies(whole)
    assert "HX-Request" in answer["Vary"]
    assert "no-store" in answer["Cache-Control"]


def test_parts_leave_no_audit_line(support_client: Client) -> None:
    person = make_person("Ada")
    support_client.get(f"/users/{person.uuid}/conversations/", headers=FRAGMENT)
    assert not entries_about(person.uuid).exists()
    support_client.get(f"/users/{person.uuid}/conversations/")
    assert entries_about(person.uuid).count() == 1


def test_a_link_to_a_message_opens_the_history_around_it(support_client: Client) -> None:
    person = make_person("Ada")
    messages = make_messages(
        person, *(("visitor", f"line {n}") for n in range(3 * PAGE_MESSAGES)), start=START
    )
    page = page_of(support_client, person, at=messages[70].pk)
    assert f'<article class="message found" id="m{messages[70].pk}"' in page
    assert 'data-more="older"' in page
    assert 'data-more="newer"' in page
    assert page.count("message found") == 1


@pytest.mark.parametrize(
    "given", [{"older": "x"}, {"newer": "é"}, {"at": "x"}, {"at": "9" * 40}, {"older": "x" * 300}]
)
def test_a_broken_link_shows_the_newest_and_says_so(given: dict, support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "Hello?"))
    answer = support_client.get(f"/users/{person.uuid}/conversations/", given)
    assert answer.status_code == 200
    assert list(errors_of(answer)) == list(given)
    assert bodies(text_of(answer)) == ["Hello?"]


def test_a_message_that_is_not_theirs_is_not_looked_for(support_client: Client) -> None:
    person, other = make_person("Ada"), make_person("Bo")
    make_messages(person, ("visitor", "Hello?"))
    (theirs,) = make_messages(other, ("visitor", "Secret"))
    page = page_of(support_client, person, at=theirs.pk)
    assert "Secret" not in page
    assert bodies(page) == ["Hello?"]


def test_a_part_goes_on_in_the_direction_it_was_asked_for_only(support_client: Client) -> None:
    person = make_person("Ada")
    messages = make_messages(
        person, *(("visitor", f"line {n}") for n in range(5 * PAGE_MESSAGES)), start=START
    )
    page = page_of(support_client, person, at=messages[120].pk)
    for way, other in (("older", "newer"), ("newer", "older")):
        link = re.search(rf'href="([^"]+\?{way}=[^"]+)"', page).group(1)
        part = text_of(support_client.get(link, headers=FRAGMENT))
        assert len(articles(part)) == PAGE_MESSAGES
        assert f'data-more="{way}"' in part
        assert f'data-more="{other}"' not in part
