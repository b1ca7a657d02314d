"""An open tab hears that the widget was set up anew, and that the first of staff came or the last one went."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from staff.models import Role, Widget
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor

Open = Callable[..., Visitor]
FORM = {"title": "Northpine", "greeting": "Moin", "accent": "#112233", "side": "left", "own_origin": "on"}
# The grace after the last page was closed, and the look for those who are gone.
GOING = 15.0


@pytest.fixture
def dana(server: Server, widget: Widget) -> StaffBrowser:
    """An admin, whose page edits the first widget: that of the test, and not the one made as the server began."""
    Widget.objects.exclude(pk=widget.pk).delete()
    return StaffBrowser(server, make_account("dana@team.example", Role.ADMIN))


@pytest.fixture(autouse=True)
def nobody_here(visit: Open) -> None:
    """Those of the test before are gone."""
    ends = time.monotonic() + GOING
    while visit().hello()["staff_online"]:
        assert time.monotonic() < ends
        time.sleep(0.5)


def hears_nothing(tab: Visitor, seconds: float = 0.4) -> bool:
    return tab.silent(seconds, but=("ping",))


def test_it_is_told_how_the_widget_looks_now(visit: Open, dana: StaffBrowser) -> None:
    first, second = visit(), visit()
    for tab in (first, second):
        tab.hello()
    dana.post("/widget/", **FORM, away="Back on Monday", ask_name="on")
    told = {
        "type": "settings",
        "staff_online": False,
        "widget": {
            "title": "Northpine",
            "greeting": "Moin",
            "away": "Back on Monday",
            "accent": "#112233",
            "side": "left",
            "ask": ["name"],
            "mail": False,
        },
    }
    for tab in (first, second):
        assert tab.expect("settings") == told
        assert hears_nothing(tab)


def test_what_shows_nowhere_is_not_told(visit: Open, dana: StaffBrowser) -> None:
    dana.post("/widget/", **FORM)
    tab = visit()
    tab.hello()
    dana.post("/widget/secret/")
    dana.post("/widget/", **FORM, collect="device")
    assert hears_nothing(tab)
    dana.post("/widget/", **{**FORM, "title": "Moved"})
    assert tab.expect("settings")["widget"]["title"] == "Moved"


def test_staff_come_and_go(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    assert tab.hello()["staff_online"] is False
    with dana.live(), dana.live():
        assert tab.expect("settings")["staff_online"] is True
        late = visit()
        assert late.hello()["staff_online"] is True
        assert hears_nothing(tab)
    for one in (tab, late):
        assert one.expect("settings", GOING)["staff_online"] is False
        assert hears_nothing(one)


def test_a_page_change_of_theirs_is_no_news(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    with dana.live():
        if not tab.hello()["staff_online"]:  # she is on her way
            tab.expect("settings")
    with dana.live():
        assert hears_nothing(tab, 9.0)
    assert tab.expect("settings", GOING)["staff_online"] is False


def test_whoever_has_not_said_hello_is_told_with_the_welcome(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    dana.post("/widget/", **FORM)
    assert hears_nothing(tab)
    assert tab.hello()["widget"]["title"] == "Northpine"
    assert hears_nothing(tab)
