"""The staff hub outlives what fails, and asks about a session only those pages whose account it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import OperationalError

from chatadmin.lib.bus import Event, announce
from live import hub as module
from live.consumers import StaffSocket
from live.hub import StaffHub
from tests.factories import make_messages, make_person
from tests.live.conftest import Inside
from tests.staff_http import StaffBrowser


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 8
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_clock_goes_on_where_the_database_was_away(
    inside: Inside, sam_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[float] = []
    real = module._navigation

    async def failing_twice() -> str:
        if len(failed) < 2:
            failed.append(time.monotonic())
            raise OperationalError("the connection was closed")
        return await real()

    monkeypatch.setattr(module, "_navigation", failing_twice)
    person = make_person("Ada")
    user = str(person.uuid)
    with sam_inside.live() as page:
        page.watch(user)
        announce(Event("typing.changed", user, {"side": "visitor", "on": True}))
        page.expect('data-typing="true"')
        make_messages(person, ("visitor", "hello"))
        assert ">1 unread<" in page.expect("nav-unread")
        assert len(failed) == 2
        page.expect('data-typing="false"')


def test_only_the_pages_of_that_account_are_asked_about_their_session(
    sam_inside: StaffBrowser, dana_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = StaffSocket.recheck

    async def counting(self: StaffSocket) -> None:
        asked.append(self.account_id)
        await real(self)

    monkeypatch.setattr(StaffSocket, "recheck", counting)
    user = str(make_person("Ada").uuid)
    sam, dana = sam_inside.account.pk, dana_inside.account.pk
    with sam_inside.live() as page, sam_inside.live() as other, dana_inside.live() as third:
        for shown in (page, other, third):
            shown.watch(user)
        announce(Event("session.ended", data={"account": sam}))
        until(lambda: len(asked) == 2)
        announce(Event("staff.changed", data={"account": dana}))
        until(lambda: len(asked) == 3)
    assert asked == [sam, sam, dana]


def test_a_change_that_cannot_be_drawn_makes_its_pages_look_again(
    inside: Inside, sam_inside: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> None:
        raise OperationalError("away")

    user, other = str(make_person("Ada").uuid), str(make_person("Bo").uuid)
    with sam_inside.live() as page, sam_inside.live() as elsewhere:
        page.watch(user)
        elsewhere.watch(other)
        with monkeypatch.context() as patch:
            patch.setattr(module, "_changed", failing)
            announce(Event("user.changed", user, {"fields": ["name"]}))
            page.expect("lagged")
        assert inside.run(lambda: [socket.behind for socket in StaffHub.current().of(other)]) == [False]
        assert user in page.watch(user)
