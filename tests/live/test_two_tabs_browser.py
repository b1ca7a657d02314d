"""One visitor with two tabs: one person, one visit, one conversation that both tabs show whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from conversations.models import Message
from staff.models import Account
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.widget.fake_chat import WidgetPage
from users.models import ChatUser, Visit

pytestmark = pytest.mark.django_db(transaction=True)

SAID = ["From the first", "From the second", "Hello to both", "And again"]


@pytest.fixture
def tabs(open_context: Callable[..., BrowserContext]) -> list[WidgetPage]:
    """Two tabs of one browser, the widget open in both."""
    context = open_context()
    first = WidgetPage(context.new_page()).visit("/widget/demo/").open()
    first.write(SAID[0])
    expect(first.page.get_by_text("Sent", exact=True)).to_be_visible()
    return [first, WidgetPage(context.new_page()).visit("/widget/demo/").open()]


def test_both_tabs_show_everything_once_and_in_order(
    tabs: list[WidgetPage], server: Server, support: Account
) -> None:
    first, second = tabs
    expect(second.page.get_by_text(SAID[0])).to_be_visible()
    second.write(SAID[1])
    expect(first.page.get_by_text(SAID[1])).to_be_visible()
    person = ChatUser.objects.get()
    StaffBrowser(server, support).reply(str(person.uuid), SAID[2])
    for tab in tabs:
        expect(tab.page.get_by_text(SAID[2])).to_be_visible()
    first.write(SAID[3])
    for tab in tabs:
        expect(tab.page.get_by_text(SAID[3])).to_be_visible()
        assert tab.bubbles() == SAID
    assert list(Message.objects.order_by("pk").values_list("body", flat=True)) == SAID
    assert (ChatUser.objects.count(), Visit.objects.count()) == (1, 1)


def test_closing_one_tab_leaves_the_person_here(
    tabs: list[WidgetPage], at_work: Callable[..., BrowserContext], support: Account
) -> None:
    first, second = tabs
    person = ChatUser.objects.get()
    page = at_work(support).new_page()
    page.goto(f"/users/{person.uuid}/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    dot = page.locator(".profile-card [data-presence]")
    expect(dot).to_have_attribute("data-presence", "online")
    first.page.close()
    # The last tab's going is told within 15 s; this one's must never be.
    page.wait_for_timeout(13_000)
    expect(dot).to_have_attribute("data-presence", "online")
    second.write(SAID[1])
    expect(page.locator(".message-body")).to_have_text(SAID[:2])
    second.page.close()
    expect(dot).to_have_attribute("data-presence", "offline", timeout=16_000)
