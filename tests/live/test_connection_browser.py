"""A staff page whose connection dies: it notices, says so in time, comes back by itself, and pushes nothing away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from staff import actions
from staff.models import Account
from tests.factories import make_messages, make_person
from tests.server import Server
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(transactional_db: None) -> ChatUser:
    return make_person("Ada Lovelace")


@pytest.fixture
def context(at_work: Callable[..., BrowserContext], support: Account) -> BrowserContext:
    return at_work(support, viewport={"width": 1280, "height": 800})


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


class Line:
    """A page's socket with our hand on it: `dead` ones carry nothing any more, and nobody is told."""

    def __init__(self, page: Page) -> None:
        self.ends: list[WebSocketRoute] = []
        self.dead: set[WebSocketRoute] = set()
        page.route_web_socket("**/ws/staff/", self._connected)

    def die(self) -> None:
        self.dead.update(self.ends)

    def _connected(self, end: WebSocketRoute) -> None:
        self.ends.append(end)
        far = end.connect_to_server()
        end.on_message(lambda text: None if end in self.dead else far.send(text))
        far.on_message(lambda text: None if end in self.dead else end.send(text))


def show(page: Page, person: ChatUser) -> None:
    page.goto(f"/users/{person.uuid}/")
    expect(page.locator("html[data-live=true]")).to_be_attached()


def lost(page: Page) -> Locator:
    return page.get_by_text("Connection lost. Trying again")


def test_a_connection_that_died_without_a_word_is_made_anew(page: Page, person: ChatUser) -> None:
    page.clock.install()
    line = Line(page)
    show(page, person)
    line.die()
    make_messages(person, ("visitor", "unheard"))
    page.clock.run_for(30_000)
    expect(page.locator("html[data-live=true]")).to_be_attached()
    assert len(line.ends) == 1
    page.clock.run_for(15_000)
    page.clock.run_for(1_000)
    expect(page.locator(".message-body")).to_have_text("unheard")
    assert len(line.ends) == 2
    expect(page.locator("html[data-live=true]")).to_be_attached()


def test_pings_keep_a_quiet_connection(page: Page, person: ChatUser) -> None:
    page.clock.install()
    line = Line(page)
    show(page, person)
    for _ in range(4):
        page.clock.run_for(15_000)
        line.ends[0].send('{"type": "ping"}')
        page.wait_for_timeout(50)
    assert len(line.ends) == 1


def test_offline_is_lost_at_once_and_online_is_not_slept_through(page: Page, person: ChatUser) -> None:
    page.clock.install()
    line = Line(page)
    show(page, person)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("html[data-live=false]")).to_be_attached()
    assert len(line.ends) == 1
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    assert len(line.ends) == 2
    page.clock.run_for(20_000)
    page.wait_for_timeout(200)
    assert len(line.ends) == 2


def test_the_loss_is_said_after_three_seconds_and_all_of_it_goes_when_it_is_back(
    page: Page, person: ChatUser, server_process: Server
) -> None:
    make_messages(person, *[("staff", "line")] * 30)
    show(page, person)
    composer = page.locator("[data-composer] textarea")
    failed = page.locator("[data-request-failed]")
    server_process.kill()
    began = time.monotonic()
    expect(page.locator("html[data-live=false]")).to_be_attached()
    expect(lost(page)).to_be_visible(timeout=10_000)
    assert 2.5 < time.monotonic() - began < 4.5
    composer.fill("Are you there?")
    composer.press("Enter")
    expect(failed).to_be_visible()
    assert in_view(composer)
    server_process.start()
    expect(lost(page)).to_be_hidden(timeout=30_000)
    expect(failed).to_be_hidden()
    expect(composer).to_have_value("Are you there?")
    assert in_view(composer)


def in_view(node: Locator) -> bool:
    box: Any = node.bounding_box()
    return bool(box["y"] > 0 and box["y"] + box["height"] <= 800)


def test_whoever_is_thrown_out_is_told_so(
    page: Page, person: ChatUser, support: Account, owner: Account
) -> None:
    show(page, person)
    actions.disable(actor=owner, account_id=support.pk)
    page.reload()
    expect(page.get_by_text("You were signed out.")).to_be_visible()
    page.goto("/login/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("You were signed out.")).to_have_count(0)


def test_an_open_page_whose_session_ended_says_it_too(
    page: Page, context: BrowserContext, person: ChatUser
) -> None:
    show(page, person)
    elsewhere = context.new_page()
    elsewhere.goto("/logout/")
    elsewhere.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_text("You were signed out.")).to_be_visible(timeout=30_000)
    assert f"next=%2Fusers%2F{person.uuid}" in page.url
    expect(elsewhere.get_by_text("You were signed out.")).to_have_count(0)
