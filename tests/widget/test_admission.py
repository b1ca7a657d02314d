"""Who is let in is told from memory, and hears of it when the widget changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Coroutine
from typing import Any

import pytest

from chatadmin.lib import bus, threads
from chatadmin.lib.leases import LocalLeases
from staff import actions, presence
from staff.models import Account, Widget
from tests.factories import make_widget
from widget import admission

pytestmark = pytest.mark.usefixtures("own_bus")

SITE = "http://site.example"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> LocalLeases:
    """Staff who are here: nobody at first, and none of an earlier test who would just now be missed."""
    store = LocalLeases(presence.TERMS)
    monkeypatch.setattr(presence, "store", lambda: store)
    return store


class Guest:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Widget | None] = []
        self.settings: list[dict[str, Any] | None] = []

    def widget_changed(self, widget: Widget | None, settings: str | None) -> None:
        self.told.append(widget)
        self.settings.append(json.loads(settings) if settings else None)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys of each look into the database."""
    found, asked = admission._find, []

    async def find(keys: Collection[str]) -> dict[str, Widget]:
        asked.append(list(keys))
        return await found(keys)

    monkeypatch.setattr(admission, "_find", find)
    return asked


@pytest.fixture
def widget(transactional_db: None) -> Widget:
    return make_widget()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))
    threads.close()


async def let_in(key: str, origin: str = SITE) -> bool:
    return await admission.enter(Guest(), key, origin, "chat.example") is not None


async def changed(admin: Account, widget: Widget, **changes: Any) -> None:
    await threads.hop(actions.change_widget)(actor=admin, widget_id=widget.pk, changes=changes)


async def until_told(guest: Guest, times: int) -> None:
    while len(guest.told) < times:
        await asyncio.sleep(0.01)


def test_however_many_come_at_once_one_asks_and_the_next_ones_dont(
    widget: Widget, looks: list[list[str]]
) -> None:
    async def scenario() -> None:
        assert all(await asyncio.gather(*(let_in(widget.key) for _ in range(50))))
        assert await let_in(widget.key)
        assert not await let_in(widget.key, "http://evil.example")

    run(scenario())
    assert looks == [[widget.key]]


def test_after_ten_seconds_it_is_asked_for_again(
    widget: Widget, looks: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "KEEP_SECONDS", 0.0)

    async def scenario() -> None:
        assert await let_in(widget.key)
        await threads.hop(Widget.objects.all().delete)()
        assert not await let_in(widget.key)

    run(scenario())
    assert len(looks) == 2


def test_a_flood_of_made_up_keys_is_looked_up_in_one_go_and_nobody_is_refused_for_it(
    widget: Widget, looks: list[list[str]]
) -> None:
    async def scenario() -> None:
        made_up = [let_in(f"nobody{number}") for number in range(300)]
        assert sum(await asyncio.gather(*made_up, let_in(widget.key))) == 1

    run(scenario())
    assert len(looks) == 1 and len(looks[0]) == 301


def test_looks_keep_a_distance(widget: Widget, looks: list[list[str]]) -> None:
    async def scenario() -> None:
        begun = asyncio.get_running_loop().time()
        for number in range(4):
            assert not await let_in(f"nobody{number}")
        assert asyncio.get_running_loop().time() - begun > 3 * admission.PAUSE_SECONDS - 0.01

    run(scenario())
    assert len(looks) == 4


@pytest.mark.parametrize("key", ["", "x" * 41, "a\x00b"])
def test_what_can_be_no_key_is_not_asked_for(widget: Widget, looks: list[list[str]], key: str) -> None:
    async def scenario() -> None:
        assert not await let_in(key)

    run(scenario())
    assert looks == []


def test_whoever_is_in_hears_of_a_change(widget: Widget, admin: Account) -> None:
    guest, gone = Guest(), Guest()

    async def scenario() -> None:
        for somebody in (guest, gone):
            assert await admission.enter(somebody, widget.key, SITE, "chat.example")
        admission.leave(gone)
        await changed(admin, widget, title="Another")
        await until_told(guest, 1)
        again = await admission.enter(Guest(), widget.key, SITE, "chat.example")
        assert again is not None and again.title == "Another"
        await changed(admin, widget, allowed_origins=["http://elsewhere.example"])
        while guest.told[-1] is not None:
            await asyncio.sleep(0.01)

    run(scenario())
    assert [told and told.title for told in guest.told] == ["Another", None]
    assert gone.told == []


def test_a_change_while_it_is_looked_up_is_not_lost(
    widget: Widget, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = admission._find

    async def find(keys: Collection[str]) -> dict[str, Widget]:
        widgets = await found(keys)
        if widgets[widget.key].title != "Another":
            await changed(admin, widget, title="Another")
            await asyncio.sleep(0.1)  # the announcement has come by then
        return widgets

    monkeypatch.setattr(admission, "_find", find)

    async def scenario() -> None:
        await let_in(widget.key)
        now = await admission.enter(Guest(), widget.key, SITE, "chat.example")
        assert now is not None and now.title == "Another"

    run(scenario())


def test_a_database_that_fails_once_is_asked_again(widget: Widget, monkeypatch: pytest.MonkeyPatch) -> None:
    found, failed = admission._find, list[bool]()

    async def find(keys: Collection[str]) -> dict[str, Widget]:
        if not failed:
            failed.append(True)
            raise ConnectionError("gone")
        return await found(keys)

    monkeypatch.setattr(admission, "_find", find)

    async def scenario() -> None:
        with pytest.raises(ConnectionError, match="gone"):
            await let_in(widget.key)
        assert await let_in(widget.key)

    run(scenario())


def test_whoever_is_in_hears_whether_staff_are_here(
    widget: Widget, here: LocalLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest()
    monkeypatch.setattr(admission, "TOLD_AT_ONCE", 2)

    async def scenario() -> None:
        for somebody in (guest, Guest(), Guest()):
            await admission.enter(somebody, widget.key, SITE, "chat.example")
        await threads.hop(presence.beat)(7, "page")
        await until_told(guest, 1)
        here.discard("7")
        bus.missed()
        await until_told(guest, 2)
        monkeypatch.setattr(admission, "_staff_online", unknown)
        bus.missed()
        await until_told(guest, 3)

    async def unknown() -> None:
        return None

    run(scenario())
    assert [told and told["staff_online"] for told in guest.settings] == [True, False, None]
    assert {told.title for told in guest.told if told} == {widget.title}
