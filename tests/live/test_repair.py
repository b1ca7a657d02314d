"""A page that lost its connection gets what it missed with its first `watch`: nothing on it stays wrong."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable

import pytest
from django.utils import timezone

from conversations.models import ActivityEvent, Conversation, Message
from conversations.timeline import PAGE_ENTRIES, timeline
from tests.factories import make_messages, make_person
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from users.models import ChatUser

Open = Callable[..., Visitor]


def entries(html: str) -> list[str]:
    return re.findall(r'data-entry="([^"]+)"', html)


def marks(html: str) -> list[tuple[int, str]]:
    found = re.findall(r'data-slot="read-(\d+)"[^>]*data-read-mark="(\w+)"', html)
    return [(int(pk), mark) for pk, mark in found]


def happened(person: ChatUser, count: int, start: dt.datetime) -> list[str]:
    """So many entries, a minute apart; their keys, the oldest first."""
    for minute in range(count):
        at = start + dt.timedelta(minutes=minute)
        ActivityEvent.objects.create(chat_user=person, kind="widget_opened", at=at)
    return [entry.key for entry in reversed(timeline(person).entries)]


def test_those_who_were_erased_meanwhile_are_taken_away(sam: StaffBrowser) -> None:
    kept, gone = make_person("Ada"), make_person("Bo", erased_at=timezone.now())
    with sam.live() as page:
        page.send("watch", users=[str(kept.uuid), str(gone.uuid)])
        assert json.loads(page.expect("gone")) == {"type": "gone", "user": str(gone.uuid), "open": False}
        assert str(gone.uuid) not in page.expect("[data-user='")
        page.send("watch", open=str(gone.uuid))
        assert json.loads(page.expect("gone"))["open"] is True


def test_a_conversation_that_was_closed_meanwhile_says_so(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    (message,) = make_messages(person, ("visitor", "hello"))
    Conversation.objects.update(status="closed", closed_at=timezone.now())
    with sam.live() as page:
        assert 'data-status="closed"' in page.watch(open=str(person.uuid), last=message.pk)
        assert "data-status" not in page.watch(open=str(person.uuid), log=False)


def test_what_was_read_meanwhile_says_so_as_far_back_as_the_page_shows(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    ids = [message.pk for message in make_messages(person, *[("staff", "line")] * 120)]
    (elsewhere,) = make_messages(make_person("Bo"), ("staff", "not on this page"))
    Message.objects.filter(pk__in=[*ids[:100], elsewhere.pk]).update(read_at=timezone.now())
    shown = {"open": str(person.uuid), "last": ids[-1]}
    with sam.live() as page:
        state = page.watch(
            **shown, unread=[*range(-879, 0), *ids, elsewhere.pk]
        )  # a thousand, as many as may be
        assert sorted(marks(state)) == [(pk, "true") for pk in ids[:100]]
        assert marks(page.watch(**shown, unread=ids[100:])) == []
        Message.objects.filter(pk=ids[100]).update(read_at=timezone.now())
        assert marks(page.watch(**shown, unread=ids[100:])) == [(ids[100], "true")]


def test_what_was_mailed_meanwhile_says_so(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    sent, mailed = (message.pk for message in make_messages(person, *[("staff", "line")] * 2))
    Message.objects.filter(pk=mailed).update(mailed_at=timezone.now())
    with sam.live() as page:
        state = page.watch(open=str(person.uuid), last=mailed, unread=[sent, mailed])
        assert marks(state) == [(mailed, "false")]
        assert state.count("Sent by e-mail") == 1


def test_the_timeline_goes_on_where_it_stood(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    keys = happened(person, 5, timezone.now() - dt.timedelta(hours=1))
    with sam.live() as page:
        state = page.watch(open=str(person.uuid), timeline=True, entry=keys[2])
        assert entries(state) == keys[3:]
        assert "afterbegin:" in state
        assert entries(page.watch(open=str(person.uuid), timeline=False)) == []


def test_an_entry_that_was_committed_late_is_found_below_the_newest(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    now = timezone.now()
    late, shown, old = (
        ActivityEvent.objects.create(
            chat_user=person, kind="widget_opened", at=now - dt.timedelta(seconds=ago)
        )
        for ago in (10, 0, 300)
    )
    keys = {entry.at: entry.key for entry in timeline(person).entries}
    with sam.live() as page:
        state = page.watch(open=str(person.uuid), entry=keys[shown.at])
        assert entries(state) == [keys[late.at]] and keys[old.at] not in entries(state)


def test_a_timeline_that_missed_more_than_a_page_is_drawn_anew(sam: StaffBrowser) -> None:
    person = make_person("Ada")
    keys = happened(person, PAGE_ENTRIES + 5, timezone.now() - dt.timedelta(hours=2))
    with sam.live() as page:
        state = page.watch(open=str(person.uuid), entry="4")
        assert entries(state) == list(reversed(keys))
        assert f"outerHTML:[data-open='{person.uuid}'] [data-timeline]" in state
        assert "activity/?after=" in state


def test_who_is_replying_is_told_to_those_who_come_later(
    visit: Open, dana: StaffBrowser, sam: StaffBrowser
) -> None:
    tab = visit()
    tab.hello()
    user = tab.user["id"]
    with dana.live() as writing, sam.live() as late:
        writing.watch(open=user)
        writing.send("typing", user=user, on=True)
        assert tab.expect("typing")["on"] is True
        assert "Dana Whitfield is replying" in late.watch(open=user)
        writing.send("typing", user=user, on=False)
        assert "Dana Whitfield" not in late.expect('data-slot="replying"')


def test_the_navigation_is_counted_anew_for_a_page_that_connects(sam: StaffBrowser) -> None:
    make_messages(make_person("Ada"), ("visitor", "hello"))
    with sam.live() as page:
        page.send("watch")
        assert ">1 unread<" in page.expect("nav-unread", seconds=4)


# -- typing of staff


@pytest.fixture
def tab(visit: Open) -> Visitor:
    """A visitor's, who has said hello."""
    tab = visit()
    tab.hello()
    return tab


def test_a_page_types_only_to_those_whom_it_shows(visit: Open, tab: Visitor, sam: StaffBrowser) -> None:
    other = visit()
    other.hello()
    with sam.live() as page:
        page.watch(open=tab.user["id"])
        page.send("typing", user=other.user["id"], on=True)
        page.send("typing", user=tab.user["id"], on=True)
        assert tab.expect("typing")["on"] is True
        assert other.silent()


def test_a_page_says_that_it_types_once_a_second(tab: Visitor, sam: StaffBrowser) -> None:
    with sam.live() as page:
        page.watch(open=tab.user["id"])
        for _ in range(10):
            page.send("typing", user=tab.user["id"], on=True)
        page.send("typing", user=tab.user["id"], on=False)
        assert [tab.expect("typing")["on"] for _ in range(2)] == [True, False]
        assert tab.silent()


def test_a_page_that_is_closed_types_no_more(tab: Visitor, sam: StaffBrowser) -> None:
    with sam.live() as page:
        page.watch(open=tab.user["id"])
        page.send("typing", user=tab.user["id"], on=True)
        assert tab.expect("typing")["on"] is True
    assert tab.expect("typing", seconds=4)["on"] is False


def test_a_page_that_died_types_no_more_after_six_seconds(tab: Visitor, sam: StaffBrowser) -> None:
    with sam.live() as page:
        page.watch(open=tab.user["id"])
        page.send("typing", user=tab.user["id"], on=True)
        assert tab.expect("typing")["on"] is True
        assert tab.expect("typing", seconds=8)["on"] is False
