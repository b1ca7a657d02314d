"""Where events of other processes were lost, everybody is brought up to what is true."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from exports.models import Erasure, Reason
from live import hub as module
from staff import audit
from tests.factories import make_messages, make_person, make_widget
from tests.live.conftest import Inside
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from users.models import ChatUser

Come = Callable[[], Visitor]


@pytest.fixture
def come(inside: Inside) -> Iterator[Come]:
    """Makes visitors who have said hello."""
    widget = make_widget(allowed_origins=["self"])
    with ExitStack() as stack:

        def arrive() -> Visitor:
            tab = stack.enter_context(Visitor(inside.url, widget.key))
            tab.hello()
            return tab

        yield arrive


def lose_events() -> None:
    announce(Event("bus.gap"))


def person_of(tab: Visitor) -> ChatUser:
    return ChatUser.objects.get(uuid=tab.user["id"])


def test_visitors_are_told_what_they_missed(come: Come) -> None:
    tab, other = come(), come()
    (missed,) = make_messages(person_of(tab), ("staff", "nobody announced me"))
    lose_events()
    assert tab.expect("message")["id"] == missed.pk
    assert tab.silent() and other.silent()


def test_visitors_are_asked_whether_they_are_here(come: Come) -> None:
    tab = come()
    lose_events()
    assert tab.expect("ping", seconds=4)


def test_those_who_were_erased_or_blocked_meanwhile_do_not_stay(come: Come) -> None:
    erased, blocked, kept = come(), come(), come()
    now, person = timezone.now(), person_of(erased)
    # Somebody else's work, or the server would erase them itself meanwhile, and say so.
    Erasure.objects.create(
        person_hash=audit.person_hash(person.uuid),
        reason=Reason.OTHER,
        person_pk=person.pk,
        leased_until=now + dt.timedelta(minutes=5),
    )
    ChatUser.objects.filter(pk=person.pk).update(erased_at=now)
    ChatUser.objects.filter(uuid=blocked.user["id"]).update(blocked_at=timezone.now())
    lose_events()
    assert erased.closed() == 1012
    assert blocked.closed() == 4403
    assert kept.silent()


def test_pages_are_told_to_look_again_and_once_more_later(
    sam_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.5)
    user = str(make_person("Ada").uuid)
    with sam_inside.live() as page:
        page.watch(user)
        lose_events()
        for _ in range(2):
            assert json.loads(page.expect("lagged")) == {"type": "lagged"}
            page.watch(user)
