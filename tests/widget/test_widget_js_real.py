"""The widget in a browser against the real server: what the fake one can't prove."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from conversations.models import Message
from staff.models import Account, Widget
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.widget.fake_chat import WidgetPage, until
from tests.widget.signing import signed
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(open_context: Callable[..., BrowserContext]) -> WidgetPage:
    """The demo page, just opened."""
    return WidgetPage(open_context().new_page()).visit("/widget/demo/")


@pytest.fixture
def staff(server: Server, support: Account) -> StaffBrowser:
    return StaffBrowser(server, support)


def test_a_conversation_from_both_sides(demo: WidgetPage, staff: StaffBrowser) -> None:
    demo.open().write("Has my refund gone through?")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    person = ChatUser.objects.get()
    assert Message.objects.get().body == "Has my refund gone through?"
    staff.reply(str(person.uuid), "It left us this morning.")
    expect(demo.page.get_by_text("It left us this morning.")).to_be_visible()
    until(demo.page, lambda: Message.objects.filter(sender="staff", read_at=None).count() == 0)
    demo.visit("/widget/demo/").open()
    expect(demo.page.get_by_text("It left us this morning.")).to_be_visible()
    assert demo.bubbles() == ["Has my refund gone through?", "It left us this morning."]
    assert ChatUser.objects.count() == 1


def test_a_read_mark_is_still_there_after_a_reload(demo: WidgetPage, server: Server) -> None:
    demo.open().write("Anyone?")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    message = Message.objects.get()
    Message.objects.update(read_at=message.created_at)
    demo.visit("/widget/demo/").open()
    expect(demo.page.locator(".me .meta")).to_contain_text("Read ")


def test_a_server_that_was_killed_is_come_back_to(demo: WidgetPage, server_process: Server) -> None:
    demo.open().write("Before")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    server_process.kill()
    demo.write("During")
    expect(demo.page.get_by_text("Sending…")).to_be_visible()
    server_process.start()
    expect(demo.page.get_by_text("Sending…")).to_be_hidden(timeout=30_000)
    assert demo.bubbles() == ["Before", "During"]
    assert list(Message.objects.order_by("id").values_list("body", flat=True)) == ["Before", "During"]
    assert ChatUser.objects.count() == 1


def test_an_erased_person_is_forgotten_and_comes_back_as_a_stranger(
    demo: WidgetPage, server: Server, admin: Account
) -> None:
    demo.open().write("Forget me")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    before = ChatUser.objects.get()
    erase(StaffBrowser(server, admin), f"/users/{before.uuid}/delete/")
    expect(demo.page.get_by_role("dialog")).to_be_hidden()
    demo.open()
    expect(demo.page.get_by_text("Forget me")).to_have_count(0)
    demo.write("Hello")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert ChatUser.objects.filter(erased_at=None).get().uuid != before.uuid


def erase(staff: StaffBrowser, address: str) -> None:
    word = re.search(r'data-confirm-word="([^"]+)"', staff.get(address)[1])
    assert word, staff.get(address)
    status, text = staff.post(address, confirm=word[1], reason="test", ticket="")
    assert status == 302, text


def test_the_name_and_address_that_were_left_are_kept(demo: WidgetPage) -> None:
    demo.open().write("Hi")
    email = demo.page.get_by_role("textbox", name="E-mail")
    email.fill("nobody")
    email.press("Enter")
    expect(email).to_have_accessible_description("This e-mail address doesn't look right.")
    email.fill("mira@site.example")
    demo.page.get_by_role("textbox", name="Name").fill("Mira Holm")
    email.press("Enter")
    expect(demo.page.get_by_text("Thanks, Mira Holm.")).to_be_visible()
    assert ChatUser.objects.values_list("name", "email").get() == ("Mira Holm", "mira@site.example")


def test_a_site_with_a_strict_policy_of_its_own(
    open_context: Callable[..., BrowserContext], server: Server, widget: Widget
) -> None:
    complaints: list[str] = []
    socket = server.url.replace("http", "ws", 1)
    policy = f"default-src 'none'; script-src {server.url}; connect-src {socket}; require-trusted-types-for 'script'"
    tag = f'<script async src="{server.url}/widget.js" data-key="{widget.key}"></script>'

    def site(route: Route) -> None:
        body = f"<!doctype html><title>Site</title>{tag}<p>Hello"
        route.fulfill(body=body, content_type="text/html", headers={"Content-Security-Policy": policy})

    context = open_context()
    context.route("http://site.example/**", site)
    page = WidgetPage(context.new_page())
    page.page.on("console", lambda message: complaints.append(message.text))
    page.visit("http://site.example/").open().write("From far away")
    expect(page.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert Message.objects.get().body == "From far away"
    assert complaints == []


def test_the_demo_page_calls_the_widget_as_any_page_would(demo: WidgetPage) -> None:
    demo.page.get_by_role("button", name="Identify me").click()
    expect(demo.page.get_by_text('chatadmin("identify"')).to_be_visible()
    until(demo.page, lambda: ChatUser.objects.filter(email="mira@example.com").exists())
    demo.page.get_by_role("link", name="Shipping").click()
    expect(demo.page.get_by_role("heading", name="Shipping and returns")).to_be_visible()
    person = ChatUser.objects.get()
    until(demo.page, lambda: person.events.filter(kind="page", data__title="Shipping and returns").exists())
    demo.page.reload()
    expect(demo.page.get_by_role("heading", name="Shipping and returns")).to_be_visible()
    demo.page.get_by_role("button", name="Open the chat").click()
    expect(demo.page.get_by_label("Write a message")).to_be_focused()
    demo.page.get_by_role("button", name="Sign out").click()
    until(demo.page, lambda: ChatUser.objects.count() == 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_the_demo_page(
    open_context: Callable[..., BrowserContext], scheme: str, width: int
) -> None:
    context = open_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    demo = WidgetPage(context.new_page()).visit("/widget/demo/")
    expect(demo.page.get_by_role("button", name="Open chat")).to_be_visible()
    check(demo.page)
    demo.open().write("Hi")
    expect(demo.page.get_by_text("Sent", exact=True)).to_be_visible()
    check(demo.page)


def check(page: Page) -> None:
    found = Axe().run(page)
    assert len(found.response["passes"]) > 10
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_signed_identity_opens_the_same_history_on_another_device(
    open_context: Callable[..., BrowserContext], widget: Widget
) -> None:
    given = json.dumps(signed(widget, "customer-7"))
    first = WidgetPage(open_context().new_page()).visit("/widget/demo/").open()
    first.write("From my telephone")
    expect(first.page.get_by_text("Sent", exact=True)).to_be_visible()
    first.page.evaluate(f"chatadmin('identify', {given})")
    until(first.page, lambda: ChatUser.objects.filter(external_id="customer-7").exists())
    second = WidgetPage(open_context().new_page()).visit("/widget/demo/").open()
    second.page.evaluate(f"chatadmin('identify', {given})")
    expect(second.page.get_by_text("From my telephone")).to_be_visible()
    second.page.evaluate("chatadmin('reset')")
    expect(second.page.get_by_text("From my telephone")).to_have_count(0)
    second.page.reload()
    second.open().write("Somebody else")
    expect(second.page.get_by_text("Sent", exact=True)).to_be_visible()
    assert second.bubbles() == ["Somebody else"]


def test_a_forged_identity_is_refused_in_words(demo: WidgetPage, widget: Widget) -> None:
    forged = json.dumps(signed(widget, "customer-7") | {"hash": "0" * 64})
    demo.open().page.evaluate(f"chatadmin('identify', {forged})")
    expect(demo.page.get_by_text("We could not confirm who you are")).to_be_visible()
    expect(demo.page.get_by_label("Write a message")).to_be_disabled()
    demo.page.evaluate("chatadmin('reset')")
    expect(demo.page.get_by_label("Write a message")).to_be_enabled()
