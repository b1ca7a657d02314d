"""Open profiles in a browser: what comes late goes where it belongs, and a lost connection leaves nothing out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from conversations.models import ActivityEvent, Conversation, Message
from staff.models import Account
from tests.factories import make_messages, make_person
from tests.visitor import Visitor
from tests.widget.fake_chat import until
from users.models import ChatUser
from widget.identity import new_tokens

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(transactional_db: None) -> ChatUser:
    return make_person("Ada Lovelace")


@pytest.fixture
def tab(person: ChatUser, visit: Callable[..., Visitor]) -> Visitor:
    """The person's own tab."""
    visitor = visit()
    visitor.hello(token=new_tokens([person])[0])
    return visitor


class Line:
    """A page's socket with our hand on it: holds back what we say, or breaks."""

    def __init__(self, page: Page) -> None:
        self.holding = ""
        self.held: list[str | bytes] = []
        page.route_web_socket("**/ws/staff/", self._connected)

    def let_go(self) -> None:
        self.holding = ""
        for text in self.held:
            self.page_end.send(text)

    def cut(self) -> None:
        self.page_end.close(code=1012)

    def _connected(self, page_end: WebSocketRoute) -> None:
        self.page_end, server_end = page_end, page_end.connect_to_server()
        page_end.on_message(server_end.send)
        server_end.on_message(self._told)

    def _told(self, text: str | bytes) -> None:
        if self.holding and self.holding in str(text):
            self.held.append(text)
        else:
            self.page_end.send(text)


@pytest.fixture
def page(at_work: Callable[..., BrowserContext], admin: Account) -> Page:
    return at_work(admin).new_page()


@pytest.fixture
def line(page: Page) -> Line:
    return Line(page)


def show(page: Page, person: ChatUser, tab: str = "") -> None:
    page.goto(f"/users/{person.uuid}/{tab}")
    expect(page.locator("html[data-live=true]")).to_be_attached()


def bodies(page: Page) -> Locator:
    return page.locator(".message-body")


def test_a_message_that_comes_late_stands_where_it_was_said(
    page: Page, line: Line, person: ChatUser, tab: Visitor
) -> None:
    show(page, person)
    tab.say("zero")
    expect(bodies(page)).to_have_text(["zero"])
    line.holding = ">one<"
    tab.say("one")
    until(page, lambda: line.held)
    tab.say("two")
    tab.say("three")
    expect(bodies(page)).to_have_text(["zero", "two", "three"])
    line.let_go()
    expect(bodies(page)).to_have_text(["zero", "one", "two", "three"])
    line.let_go()
    expect(bodies(page)).to_have_count(4)


def test_an_entry_that_comes_late_stands_where_it_happened(
    page: Page, line: Line, person: ChatUser, tab: Visitor
) -> None:
    show(page, person, "activity/")
    line.holding = ">one<"
    tab.say("one")
    until(page, lambda: line.held)
    tab.say("two")
    expect(page.locator(".entry-text").first).to_have_text("two")
    line.let_go()
    expect(page.locator(".entry-text")).to_have_text(["two", "one"])
    expect(page.locator("[data-entry]").first).to_contain_text("two")


def test_after_a_lost_connection_the_history_is_as_it_is(page: Page, line: Line, person: ChatUser) -> None:
    make_messages(person, ("visitor", "before"))
    show(page, person)
    expect(page.locator(".talk-status")).to_have_attribute("data-status", "open")
    make_messages(person, ("visitor", "unheard"))
    Conversation.objects.update(status="closed", closed_at=timezone.now())
    line.cut()
    expect(bodies(page)).to_have_text(["before", "unheard"])
    expect(page.locator(".talk-status")).to_have_attribute("data-status", "closed")
    expect(page.locator("[data-slot=nav-unread]").first).to_have_text("1 unread")


def test_after_a_lost_connection_all_that_was_read_says_so(page: Page, line: Line, person: ChatUser) -> None:
    make_messages(person, *[("staff", "line")] * 70)
    show(page, person)
    # Once it is seen it is replaced by what it leads to.
    page.locator("[data-more=older]").evaluate("node => node.scrollIntoView()")
    expect(page.locator("[data-read-mark=false]")).to_have_count(70)
    Message.objects.update(read_at=timezone.now())
    line.cut()
    expect(page.locator("[data-read=true] [data-read-mark=true]")).to_have_count(70)


def test_after_a_lost_connection_the_timeline_is_as_it_is(page: Page, line: Line, person: ChatUser) -> None:
    make_messages(person, ("visitor", "before"))
    show(page, person, "activity/")
    expect(page.locator("[data-entry]")).to_have_count(1)
    ActivityEvent.objects.create(chat_user=person, kind="widget_opened", at=timezone.now())
    line.cut()
    expect(page.locator("[data-entry]")).to_have_count(2)
    expect(page.locator("[data-entry]").first).to_have_attribute("data-event", "widget_opened")


def test_who_was_erased_meanwhile_is_gone(page: Page, line: Line, person: ChatUser) -> None:
    kept = make_person("Grace Hopper")
    page.goto("/users/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    expect(page.locator("tr[data-user]")).to_have_count(2)
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now(), name="", name_folded="")
    line.cut()
    expect(page.locator("tr[data-user]")).to_have_count(1)
    expect(page.locator(f"tr[data-user='{kept.uuid}']")).to_be_visible()


def test_a_list_whose_last_row_went_says_that_nobody_is_left(
    page: Page, line: Line, person: ChatUser
) -> None:
    make_person("Grace Hopper")
    page.goto(f"/users/?q={person.name.split()[0]}&in=name")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    expect(page.locator("tr[data-user]")).to_have_count(1)
    expect(page.locator("[data-person-gone]")).to_be_hidden()
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now(), name="", name_folded="")
    line.cut()
    expect(page.locator("[data-empty]")).to_be_visible()
    expect(page.locator("[data-total='0']")).to_be_attached()


def test_who_was_on_the_page_of_somebody_who_went_is_told_so_once(
    page: Page, line: Line, person: ChatUser
) -> None:
    make_person("Grace Hopper")
    page.goto(person.get_absolute_url())
    expect(page.locator("html[data-live=true]")).to_be_attached()
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now(), name="", name_folded="")
    line.cut()
    page.wait_for_url("**/users/")
    expect(page.locator("[data-person-gone]")).to_be_visible()
    page.reload()
    expect(page.locator("tr[data-user]")).to_have_count(1)
    expect(page.locator("[data-person-gone]")).to_be_hidden()
