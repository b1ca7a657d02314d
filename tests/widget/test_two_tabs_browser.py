"""Two tabs of one visitor, and a tab that loses its network: one person, one conversation, each message once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from conversations.models import Message
from staff.models import Role, Widget
from tests.factories import make_account, make_person
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.widget.fake_chat import WidgetPage, until
from users.models import ChatUser, Visit

QUEUE = "JSON.stringify(Object.entries(sessionStorage))"
COPY = "(entries) => { for (const [key, value] of JSON.parse(entries)) sessionStorage.setItem(key, value) }"


@pytest.fixture
def context(open_context: Callable[..., BrowserContext], widget: Widget) -> BrowserContext:
    return open_context()


def opened(context: BrowserContext) -> WidgetPage:
    return WidgetPage(context.new_page()).visit("/widget/demo/").open()


def said() -> list[str]:
    return list(Message.objects.order_by("id").values_list("body", flat=True))


def test_two_tabs_are_one_visitor(context: BrowserContext, server: Server) -> None:
    first = opened(context)
    first.write("From the first")
    expect(first.page.get_by_text("Sent", exact=True)).to_be_visible()
    second = opened(context)
    expect(second.page.get_by_role("log").get_by_text("From the first")).to_be_visible()
    second.write("From the second")
    expect(first.page.get_by_role("log").get_by_text("From the second")).to_be_visible()
    person = ChatUser.objects.get()
    StaffBrowser(server, make_account("dana@team.example", Role.ADMIN)).reply(str(person.uuid), "To both")
    for tab in (first, second):
        expect(tab.page.get_by_role("log").get_by_text("To both")).to_be_visible()
        assert tab.bubbles() == ["From the first", "From the second", "To both"]
    assert said() == ["From the first", "From the second", "To both"]
    assert Visit.objects.count() == 1


def test_a_message_that_waits_in_a_duplicated_tab_too_is_sent_once(
    context: BrowserContext, server: Server
) -> None:
    """A browser that duplicates a tab copies its session storage, and with it what waits to be sent."""
    first = opened(context)
    first.write("Before")
    expect(first.page.get_by_text("Sent", exact=True)).to_be_visible()
    server.kill()
    first.write("Waiting")
    expect(first.page.get_by_text("Offline, will send when you are back")).to_be_visible()
    waiting = first.page.evaluate(QUEUE)
    assert "Waiting" in waiting
    server.start()
    twin = context.new_page()
    twin.goto("/healthz")
    twin.evaluate(COPY, waiting)
    second = WidgetPage(twin).visit("/widget/demo/").open()
    for tab in (first, second):
        expect(tab.page.locator(".me .meta").last).to_have_text("Sent", timeout=20_000)
        until(tab.page, lambda tab=tab: tab.bubbles() == ["Before", "Waiting"])  # type: ignore[misc]
    assert said() == ["Before", "Waiting"]


def test_offline_it_says_so_and_sends_on_return(context: BrowserContext) -> None:
    tab = opened(context)
    tab.write("Before")
    expect(tab.page.get_by_text("Sent", exact=True)).to_be_visible()
    context.set_offline(True)
    tab.write("Offline")
    expect(tab.page.get_by_text("Offline, will send when you are back")).to_be_visible()
    assert said() == ["Before"]
    context.set_offline(False)
    expect(tab.page.locator(".me .meta").last).to_have_text("Sent", timeout=20_000)
    expect(tab.page.get_by_text("Offline, will send when you are back")).to_be_hidden()
    assert said() == ["Before", "Offline"]


def test_what_is_redacted_changes_at_once_where_it_stands(context: BrowserContext, server: Server) -> None:
    goes = make_person("Ana Okafor", "ana.okafor@northpine.example")
    tabs = [opened(context)]
    tabs[0].write("Before it")
    tabs[0].write("Write to ana.okafor@northpine.example please")
    tabs[0].write("After it")
    expect(tabs[0].page.get_by_text("Sent", exact=True)).to_be_visible()
    tabs.append(opened(context))
    for tab in tabs:
        expect(tab.page.get_by_role("log").get_by_text("ana.okafor@northpine.example")).to_be_visible()
    message = Message.objects.get(body__contains="ana.okafor")
    dana = StaffBrowser(server, make_account("dana@team.example", Role.ADMIN))
    dana.post(f"/users/{goes.uuid}/mentions/", message=str(message.pk))
    for tab in tabs:
        expect(tab.page.get_by_role("log").get_by_text("Write to [redacted] please")).to_be_visible()
        assert tab.bubbles() == ["Before it", "Write to [redacted] please", "After it"]
        assert "ana.okafor" not in tab.page.get_by_role("log").inner_html()
