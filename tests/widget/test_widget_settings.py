"""What is set up on `/widget/` shows in what a visitor's widget is told, and in what is stored of them; at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversations.models import ActivityEvent, EventKind
from staff.models import Role, Widget
from tests.factories import make_account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from tests.widget.signing import signed
from users.models import Collected, Visit

Open = Callable[..., Visitor]
CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"}
PAGE = {"url": "http://site.example/plans", "title": "Plans", "referrer": "http://search.example/"}
FORM = {"title": "Chat", "greeting": "Hi", "accent": "#3f5bd8", "side": "right", "own_origin": "on"}


@pytest.fixture
def dana(server: Server, widget: Widget) -> StaffBrowser:
    """An admin, whose page edits the first widget: that of the test, and not the one made as the server began."""
    Widget.objects.exclude(pk=widget.pk).delete()
    return StaffBrowser(server, make_account("dana@team.example", Role.ADMIN))


def collected() -> dict[str, bool]:
    """Of which of the things that may be collected the one visit there is has something."""
    visit = Visit.objects.get()
    return {
        Collected.NETWORK: bool(visit.network),
        Collected.REFERRER: bool(visit.referrer),
        Collected.PAGE_TITLES: bool(visit.landing_title),
        Collected.DEVICE: bool(visit.browser and visit.os and visit.device_kind),
    }


def test_the_welcome_says_how_it_looks(visit: Open, widget: Widget) -> None:
    Widget.objects.update(away="Back on Monday", side="left", ask_name=False, accent="#112233")
    assert visit().hello()["widget"] == {
        "title": widget.title,
        "greeting": widget.greeting,
        "away": "Back on Monday",
        "accent": "#112233",
        "side": "left",
        "ask": ["email"],
        "mail": False,
    }


@pytest.mark.parametrize("item", Collected.values)
def test_what_is_not_collected_is_not_stored(visit: Open, widget: Widget, item: str) -> None:
    Widget.objects.update(collect=[other for other in Collected.values if other != item])
    visit(headers=CHROME).hello(page=PAGE)
    assert collected() == {other: other != item for other in Collected.values}
    event = ActivityEvent.objects.get(kind=EventKind.FIRST_VISIT)
    assert event.data == {
        "url": PAGE["url"],
        "title": "" if item == Collected.PAGE_TITLES else "Plans",
        "referrer": "" if item == Collected.REFERRER else PAGE["referrer"],
    }


def test_nothing_but_pages_is_stored_where_nothing_is_collected(visit: Open, widget: Widget) -> None:
    Widget.objects.update(collect=[])
    tab = visit(headers=CHROME)
    tab.hello(page=PAGE)
    tab.send("page", url="http://site.example/cart", title="Cart")
    tab.say("Hello")
    assert not any(collected().values())
    events = ActivityEvent.objects.filter(kind__in=[EventKind.FIRST_VISIT, EventKind.PAGE]).order_by("id")
    assert [(event.data["url"], event.data["title"]) for event in events] == [
        (PAGE["url"], ""),
        ("http://site.example/cart", ""),
    ]


def test_open_tabs_go_by_what_was_saved_at_once(visit: Open, widget: Widget, dana: StaffBrowser) -> None:
    tab = visit()
    tab.hello(page=PAGE)
    assert dana.post("/widget/", **FORM)[0] in (200, 302)
    assert Widget.objects.get().collect == []
    newcomer = visit()
    assert newcomer.hello()["widget"]["title"] == "Chat"
    tab.send("page", url="http://site.example/cart", title="Cart")
    tab.say("Hello")
    assert ActivityEvent.objects.get(kind=EventKind.PAGE).data["title"] == ""


def test_a_site_that_may_embed_it_no_more_is_cut_off(visit: Open, widget: Widget, dana: StaffBrowser) -> None:
    elsewhere, own = visit(origin="http://site.example"), visit()
    elsewhere.hello()
    own.hello()
    dana.post("/widget/", **FORM)
    assert elsewhere.closed() == 4403
    assert own.say("still here")["id"]
    assert visit(origin="http://site.example").closed() == 4403


def test_a_renewed_secret_no_longer_signs_on_open_tabs(
    visit: Open, widget: Widget, dana: StaffBrowser
) -> None:
    tab = visit()
    tab.hello()
    dana.post("/widget/secret/")
    newcomer = visit()
    newcomer.send("hello", v=1, identity=signed(widget, "customer-7"))
    assert newcomer.closed() == 4401
    tab.send("identify", identity=signed(widget, "customer-7"))
    assert tab.error()["code"] == "identity"
    assert tab.closed() == 4401
