"""What changes is rendered once for the process, however many pages show it, and each gets what it has a place for."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from chatadmin.lib.bus import Event
from chatadmin.lib.bus import announce as announced
from conversations.actions import NewMessage, write_message
from conversations.models import Message, Sender
from live import fragments, here
from live.fragments import MESSAGE_SLOTS
from live.hub import LIVE, StaffHub
from tests.factories import make_messages, make_person
from tests.live.conftest import Inside
from tests.staff_http import StaffBrowser, StaffPage
from users.models import ChatUser

PAGES = 4


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each template was rendered for a socket."""
    counter: Counter[str] = Counter()
    render_to_string, drawer = fragments.render_to_string, fragments.drawer

    def rendering(template: str, *args: Any, **context: Any) -> str:
        counter[template] += 1
        return render_to_string(template, *args, **context)

    def drawing(*templates: str, of: str) -> Callable[[Any], str]:
        counter.update(templates)
        return drawer(*templates, of=of)

    monkeypatch.setattr(fragments, "render_to_string", rendering)
    monkeypatch.setattr(fragments, "drawer", drawing)
    return counter


@pytest.fixture
def pages(dana_inside: StaffBrowser, sam_inside: StaffBrowser) -> Iterator[list[StaffPage]]:
    """Pages of two members of staff, in turn; they are closed at the end."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(browser.live()) for _ in range(PAGES) for browser in (dana_inside, sam_inside)
        ]


def say(person: ChatUser, body: str) -> Message:
    return write_message(NewMessage(chat_user_id=person.pk, sender=Sender.VISITOR, body=body)).message


def settle(page: StaffPage, **watch: Any) -> None:
    """The page shows this and nothing else, and the server knows."""
    page.send("watch", users=[str(make_person("Marker").uuid)], **watch)
    page.expect("Marker")


def test_a_message_is_rendered_once(pages: list[StaffPage], rendered: Counter[str]) -> None:
    person = make_person("Ada")
    user = str(person.uuid)
    for number, page in enumerate(pages):
        if number % 2:
            page.watch(user)
        else:
            page.watch(user, open=user, last=0)
    rendered.clear()
    message = say(person, "once")
    for number, page in enumerate(pages):
        told = page.expect('data-field="messages"')
        assert (f'data-message="{message.pk}"' in told) is (number % 2 == 0)
    leaves = {f"users/leaf/{slot}.html": 1 for slot in MESSAGE_SLOTS}
    open_parts = {"conversations/message.html": 1, "conversations/entry.html": 1}
    counted = {name: count for name, count in rendered.items() if not name.startswith("search/")}
    # The first one is their first contact too.
    assert counted == {**leaves, **open_parts, "users/leaf/first_contact.html": 1}
    rendered.clear()
    say(person, "again")
    for page in pages:
        page.expect('data-field="messages"')
    counted = {name: count for name, count in rendered.items() if not name.startswith("search/")}
    assert counted == {**leaves, **open_parts}


def test_who_replies_is_rendered_once_for_each_who_sees_others(
    pages: list[StaffPage], rendered: Counter[str]
) -> None:
    user = str(make_person("Ada").uuid)
    for page in pages:
        page.watch(user, open=user)
    rendered.clear()
    pages[0].send("typing", user=user, on=True)
    for number, page in enumerate(pages):
        assert ("Dana Whitfield is replying" in page.expect('data-slot="replying"')) is (number % 2 == 1)
    assert rendered["conversations/leaf/replying.html"] == 2
    pages[2].send("typing", user=user, on=True)
    pages[2].send("typing", user=user, on=False)
    assert "Dana" not in pages[1].expect('data-slot="replying"'), "her second page was nothing new"


def test_a_profile_gets_only_the_parts_that_it_shows(dana_inside: StaffBrowser) -> None:
    person = make_person("Ada")
    user = str(person.uuid)
    with ExitStack() as stack:
        history, timeline, neither, middle = (stack.enter_context(dana_inside.live()) for _ in range(4))
        history.watch(open=user, timeline=False, last=0)
        timeline.watch(open=user, log=False)
        neither.watch(open=user, log=False, timeline=False)
        middle.watch(open=user, timeline=False, last=None)
        message = say(person, "hello there")
        log, entry = f'data-message="{message.pk}"', 'data-event="message_sent"'
        told = [page.expect('data-field="messages"') for page in (history, timeline, neither, middle)]
    assert [log in text for text in told] == [True, False, False, False]
    assert [entry in text for text in told] == [False, True, False, False]


def test_messages_are_told_in_the_order_of_their_ids_whatever_the_events_say(
    sam_inside: StaffBrowser,
) -> None:
    person = make_person("Ada")
    user = str(person.uuid)
    with sam_inside.live() as page:
        page.watch(open=user, last=0)
        first, second = make_messages(person, ("visitor", "one"), ("visitor", "two"))
        for message in (second, first):
            announced(Event("message.created", user, {"id": message.pk, "sender": "visitor"}))
        told = page.expect(f'data-message="{second.pk}"')
        last = say(person, "three")
        while f'data-message="{last.pk}"' not in told:
            told += page.expect("<article")
    assert re.findall('data-message="([0-9]+)"', told) == [str(one.pk) for one in (first, second, last)]


def test_a_page_far_behind_is_told_in_parts(
    sam_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "CATCH_UP", 3)
    person = make_person("Ada")
    user = str(person.uuid)
    with sam_inside.live() as page:
        page.watch(open=user, last=0)
        made = make_messages(person, *[("visitor", "line")] * 8)
        announced(Event("message.created", user, {"id": made[-1].pk, "sender": "visitor"}))
        told = page.expect(f'data-message="{made[0].pk}"')
        assert told.count("<article") == 3
        told += page.expect(f'data-message="{made[3].pk}"') + page.expect(f'data-message="{made[6].pk}"')
        assert told.count("<article") == 8


def test_a_page_of_those_who_are_here_hears_of_everybody(
    inside: Inside, sam_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[list[str], int]] = []

    async def told(events: Sequence[Event], pages: Collection[object]) -> None:
        heard.append(([event.name for event in events], len(pages)))

    monkeypatch.setattr(here, "told", told)
    user = str(make_person("Ada").uuid)
    with sam_inside.live() as page, sam_inside.live() as other:
        page.send("watch", live=True)
        for shown in (page, other):
            settle(shown, live=shown is page)
        announced(Event("event.recorded", user, {"id": 1}), Event("user.changed", user, {"fields": []}))
        announced(Event("visit.ended", user))
        deadline = time.monotonic() + 5
        while sum(len(names) for names, _ in heard) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [name for names, _ in heard for name in names] == ["event.recorded", "visit.ended"]
        assert {count for _, count in heard} == {1}
        settle(page)
        assert inside.run(lambda: StaffHub.current().of(LIVE)) == []


def test_lost_events_make_every_page_ask_once(inside: Inside, sam_inside: StaffBrowser) -> None:
    person = make_person("Ada")
    user = str(person.uuid)
    with sam_inside.live() as page, sam_inside.live() as profile:
        page.watch(user)
        profile.watch(open=user, last=0)
        (missed,) = make_messages(person, ("visitor", "nobody announced me"))
        inside.run(lambda: StaffHub.current().missed())
        for told in (page, profile):
            assert json.loads(told.expect("lagged")) == {"type": "lagged"}
        say(person, "not told before they ask")
        with pytest.raises(TimeoutError):
            profile.expect("data-", seconds=0.5)
        state = profile.watch(open=user, last=0)
        assert f'data-message="{missed.pk}"' in state and state.count("<article") == 2
