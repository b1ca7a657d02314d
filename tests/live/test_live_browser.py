"""/live/ in a browser: who comes and goes, where they are, no row that jumps under the hand, keys, and axe."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, Route, WebSocketRoute, expect

from conversations.models import ActivityEvent
from staff.models import Account
from tests.visitor import Visitor
from users.models import ChatUser, Tag, Tagging, Visit

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]
Come = Callable[..., Visitor]
GOING = 25_000


@pytest.fixture
def come(visit: Callable[..., Visitor]) -> Come:
    """Somebody of that name comes, and looks at a page of that name."""

    def come_by(name: str) -> Visitor:
        tab = visit()
        tab.hello(page={"url": f"http://site.example/{name.lower()}", "title": f"Page of {name}"})
        tab.send("identify", name=name)
        tab.expect("identified")
        return tab

    return come_by


@pytest.fixture
def page(at_work: AtWork, support: Account) -> Page:
    page = at_work(support).new_page()
    page.goto("/live/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def rows(page: Page) -> Locator:
    return page.locator("[data-here] .here tr[data-user]")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has_text=name)


def names(page: Page) -> Locator:
    return rows(page).locator('[data-field="name"]')


def test_they_come_move_and_go(page: Page, come: Come) -> None:
    expect(page.locator("[data-empty]")).to_contain_text("Nobody is on the site right now")
    ada = come("Ada")
    expect(names(page)).to_have_text(["Ada"])
    expect(page.locator("[data-empty]")).to_be_hidden()
    come("Bob")
    expect(names(page)).to_have_text(["Bob", "Ada"])
    # Whoever an earlier test left behind at this server is still counted, for a lease at most.
    expect(page.locator("nav [data-slot=nav-online]")).to_have_text("2 online", timeout=70_000)
    ada.send("page", url="http://site.example/cart", title="Your cart")
    expect(row(page, "Ada").locator('[data-field="where"]')).to_have_text("Your cart site.example/cart")
    ada.send("typing", on=True)
    expect(row(page, "Ada").locator('[data-typing="true"]')).to_have_text("typing…")
    ada.say("Hello?")
    expect(row(page, "Ada").locator(".badge")).to_have_text("1 unread")
    ada.close()
    expect(row(page, "Ada").get_by_text("left", exact=True)).to_be_visible(timeout=GOING)
    expect(names(page)).to_have_text(["Bob"], timeout=GOING)


def test_the_session_runs(page: Page, come: Come) -> None:
    come("Ada")
    shown = row(page, "Ada").locator('[data-field="session"]')
    expect(shown).to_have_text(re.compile(r"^[3-9] s$"), timeout=10_000)


def test_no_row_slips_away_under_a_pointer_that_moves(page: Page, come: Come) -> None:
    ada = come("Ada")
    row(page, "Ada").hover(position={"x": 200, "y": 8})
    come("Bob")
    waiting = page.get_by_text("Came while you point at the list: 1")
    box = row(page, "Ada").bounding_box()
    for at in range(40):
        page.mouse.move(box["x"] + 200 + at, box["y"] + 8)
        page.wait_for_timeout(50)
    expect(waiting).to_be_visible()
    expect(names(page)).to_have_text(["Ada"])
    page.mouse.move(0, 0)
    expect(names(page)).to_have_text(["Bob", "Ada"])
    expect(waiting).to_be_hidden()
    ada.say("Hello?")
    expect(row(page, "Ada").locator(".badge")).to_have_text("1 unread")


def test_a_pointer_that_lies_there_holds_up_nobody(page: Page, come: Come) -> None:
    come("Ada")
    row(page, "Ada").hover(position={"x": 200, "y": 8})
    come("Bob")
    expect(names(page)).to_have_text(["Bob", "Ada"], timeout=15_000)


def test_keys_walk_the_rows_and_the_focus_stays_where_it_is(page: Page, come: Come) -> None:
    come("Ada")
    expect(names(page)).to_have_text(["Ada"])
    page.keyboard.press("j")
    expect(row(page, "Ada").locator("[data-row-link]")).to_be_focused()
    come("Bob")
    expect(names(page)).to_have_text(["Bob", "Ada"])
    expect(row(page, "Ada").locator("[data-row-link]")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/users/{ChatUser.objects.get(name='Bob').uuid}/$"))


def test_the_help_names_the_key_that_shows_who_came(page: Page, visit: Come) -> None:
    page.goto("/users/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Show who came meanwhile")
    page.keyboard.press("Escape")
    visit().hello()
    expect(page.get_by_role("link", name="1 new person")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("tr[data-user]")).to_have_count(1)


def test_after_a_lost_connection_it_shows_who_came_meanwhile(
    at_work: AtWork, support: Account, come: Come
) -> None:
    page = at_work(support).new_page()
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        if len(sockets) == 1:
            socket.close(code=1012)
        else:
            socket.connect_to_server()
        sockets.append(socket)

    gone = come("Gone")
    page.route_web_socket(re.compile("/ws/staff/"), connect)
    page.goto("/live/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    sockets[0].close(code=1012)
    expect(page.locator("html[data-live=false]")).to_be_attached()
    come("Ada")
    gone.send("page", url="http://site.example/moved", title="Moved")
    expect(names(page)).to_have_text(["Ada", "Gone"], timeout=GOING)
    expect(row(page, "Gone").locator('[data-field="where"]')).to_contain_text("Moved")
    assert len(sockets) == 3


def test_what_no_longer_fits_is_on_the_next_page(page: Page, come: Come) -> None:
    def with_two_a_page(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('data-here="100"', 'data-here="2"'))

    page.route(re.compile("/live/$"), with_two_a_page)
    page.reload()
    expect(page.locator("html[data-live=true]")).to_be_attached()
    for at, name in enumerate(("Ada", "Bob", "Cleo"), 1):
        come(name)
        expect(rows(page)).to_have_count(min(at, 2))
    expect(names(page)).to_have_text(["Cleo", "Bob"])
    page.get_by_role("link", name="Older").click()
    expect(names(page)).to_have_text(["Ada"])
    page.get_by_role("link", name="Newer").click()
    expect(names(page)).to_have_text(["Cleo", "Bob"])


def test_the_whole_row_is_a_link_and_the_page_s_address_another(page: Page, come: Come) -> None:
    come("Ada")
    link = row(page, "Ada").get_by_role("link", name="site.example/ada")
    expect(link).to_have_attribute("href", "http://site.example/ada")
    row(page, "Ada").locator('[data-field="session"]').click(force=True)
    expect(page).to_have_url(re.compile(r"/users/[0-9a-f-]{36}/$"))


def test_without_scripts_it_shows_who_is_here(at_work: AtWork, support: Account, come: Come) -> None:
    come("Ada")
    page = at_work(support, java_script_enabled=False).new_page()
    page.goto("/users/")
    page.get_by_role("link", name="Live").click()
    expect(names(page)).to_have_text(["Ada"])
    page.get_by_role("link", name="Ada").first.click()
    expect(page).to_have_url(re.compile(r"/users/[0-9a-f-]{36}/$"))


def test_a_name_has_room_beside_its_badge(page: Page, visit: Callable[..., Visitor]) -> None:
    tab = visit()
    tab.hello()
    tab.say("Hello?")
    expect(rows(page).locator(".badge")).to_have_text("1 unread")
    expect(names(page)).to_contain_text("Anonymous")
    assert page.viewport_size == {"width": 1280, "height": 720}
    assert names(page).evaluate("name => name.scrollWidth <= name.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    scheme: str, width: int, at_work: AtWork, admin: Account, come: Come
) -> None:
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    page.goto("/live/")
    check(page)
    for name in ("Ada", "عبد الرحمن " * 9, "W" * 190):
        come(name)
    busy = ChatUser.objects.get(name="Ada")
    ChatUser.objects.filter(pk=busy.pk).update(is_vip=True, unread_count=0, browser="W" * 60, os="W" * 60)
    for at in range(5):
        tag = Tag.objects.create(name=f"tag number {at}", name_folded=f"tag number {at}")
        Tagging.objects.create(chat_user=busy, tag=tag)
    ActivityEvent.objects.filter(chat_user__name__startswith="W").update(
        data={"url": "https://site.example/" + "w" * 900, "title": "W" * 300}
    )
    Visit.objects.filter(chat_user=busy).update(started_at=timezone.now() - dt.timedelta(days=3))
    page.reload()
    expect(rows(page)).to_have_count(3)
    row(page, "Ada").locator(".dot").evaluate("dot => { dot.dataset.presence = 'offline' }")
    check(page)
    page.goto("/live/?after=nonsense")
    check(page)


def check(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
